import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import path from 'node:path';
import type { Activities } from '../../../activities';
import {
  expiryWorkflowId,
  TURN_WORKFLOW,
  turnWorkflowId,
  type PlannedCall,
  type TurnEnd,
  type TurnInput,
} from '../../../domain/turn';
import { newId } from '../../../new-id';
import { createGate } from '../../support/five-steps';
import { testTemporalAddress } from '../../support/stack';
import { until } from '../../support/started';

type Fakes = { readonly [Name in keyof Activities]?: (...input: Parameters<Activities[Name]>) => unknown };

const taskQueue = `agent-turn-${newId('run')}`;
const logger = new DefaultLogger('ERROR', () => undefined);
let fakes: Fakes = {};
let calls: string[] = [];
let connection: NativeConnection;
let worker: Worker;
let running: Promise<void>;
let client: Client;

beforeAll(async () => {
  Runtime.install({ logger, telemetryOptions: { logging: { filter: 'OFF' } } });
  connection = await NativeConnection.connect({ address: testTemporalAddress() });
  const workflowsPath = path.join(__dirname, '../../../workflows');
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger });
  const names = [
    'callModel',
    'executeTool',
    'settleTool',
    'probeTool',
    'closeRun',
    'findNextTurn',
    'answerApproval',
    'expireApproval',
    'sendToAgents',
    'collectReplies',
    'cancelAgents',
  ] as const;
  worker = await Worker.create({
    connection,
    taskQueue,
    workflowBundle,
    activities: Object.fromEntries(names.map((name) => [name, fake(name)])),
  });
  running = worker.run();
  client = new Client({ connection: await Connection.connect({ address: testTemporalAddress() }) });
});
afterAll(async () => {
  worker.shutdown();
  await running;
  await connection.close();
  await client.connection.close();
});
beforeEach(() => {
  calls = [];
});

interface Input {
  readonly step?: number;
  readonly index?: number;
  readonly stopReason?: string;
  readonly code?: string;
  readonly isProbed?: boolean;
}

/** Notes the call and answers as the test says. */
const fake =
  (name: keyof Activities) =>
  (input: Input | string): unknown => {
    const { step, index, stopReason, code } = typeof input === 'string' ? {} : input;
    calls.push([name, step, index, stopReason, code].filter((part) => part !== undefined).join(' '));
    return (fakes[name] as ((input: Input | string) => unknown) | undefined)?.(input);
  };

const ended = (stopReason: TurnEnd['stopReason'] = 'end_turn', next: TurnInput | null = null) => ({
  end: { stopReason, next },
});
const planned = (index: number, facts: Partial<PlannedCall> = {}): PlannedCall => ({
  index,
  name: `tool_${index}`,
  effects: 'read',
  parallel: true,
  ...facts,
});
const failure = (type: string) => ApplicationFailure.create({ type, message: type, nonRetryable: true });

function newTurn(facts: Partial<TurnInput> = {}): TurnInput {
  const agentId = newId('agent');
  return { runId: newId('run'), agentId, conversationId: agentId, ...facts };
}
const start = (turn: TurnInput): Promise<WorkflowHandleWithFirstExecutionRunId> =>
  client.workflow.start(TURN_WORKFLOW, {
    workflowId: turnWorkflowId(turn.conversationId),
    taskQueue,
    args: [turn],
  });
const finish = async (turn: TurnInput): Promise<unknown> => (await start(turn)).result();

it('a reply that ends the turn is the only activity of a plain turn', async () => {
  fakes = { callModel: () => ended() };

  await finish(newTurn());

  expect(calls).toEqual(['callModel 0']);
});

it('the model is asked again after the tools of its reply', async () => {
  fakes = {
    callModel: ({ step }) => (step < 2 ? { calls: [planned(0)] } : ended()),
    executeTool: () => ({}),
  };

  await finish(newTurn());

  expect(calls).toEqual(['callModel 0', 'executeTool 0 0', 'callModel 1', 'executeTool 1 0', 'callModel 2']);
});

it('neighbours that allow it run side by side, a serial call runs alone and in its place', async () => {
  let active = 0;
  const seen: string[] = [];
  const order = [planned(0), planned(1), planned(2, { parallel: false }), planned(3)];
  fakes = {
    callModel: ({ step }) => (step === 0 ? { calls: order } : ended()),
    executeTool: async ({ index }) => {
      active += 1;
      await until(() => active === 2 || index > 1);
      seen.push(`${index}:${active}`);
      await until(() => seen.length >= 2);
      active -= 1;
      return {};
    },
  };

  await finish(newTurn());

  expect(seen.slice(0, 2).sort()).toEqual(['0:2', '1:2']);
  expect(seen.slice(2)).toEqual(['2:1', '3:1']);
});

it('a tool that completes the last step ends the turn', async () => {
  fakes = { callModel: () => ({ calls: [planned(0)] }), executeTool: () => ended('max_steps') };

  await finish(newTurn());

  expect(calls).toEqual(['callModel 0', 'executeTool 0 0']);
});

it('a call whose activity failed for good is settled and the turn goes on', async () => {
  fakes = {
    callModel: ({ step }) => (step === 0 ? { calls: [planned(0)] } : ended()),
    executeTool: () => Promise.reject(failure('SUPERSEDED')),
    settleTool: () => ({}),
  };

  await finish(newTurn());

  expect(calls).toEqual(['callModel 0', 'executeTool 0 0', 'settleTool 0 0 SUPERSEDED', 'callModel 1']);
});

it('a once tool is tried once, whatever its failure says', async () => {
  fakes = {
    callModel: ({ step }) => (step === 0 ? { calls: [planned(0, { effects: 'once' })] } : ended()),
    executeTool: () => Promise.reject(ApplicationFailure.retryable('again', 'INTERNAL')),
    settleTool: () => ({}),
  };

  await finish(newTurn());

  expect(calls).toEqual(['callModel 0', 'executeTool 0 0', 'settleTool 0 0 INTERNAL', 'callModel 1']);
});

describe('a lost call whose tool has a probe', () => {
  const LOST = ['callModel 0', 'executeTool 0 0', 'settleTool 0 0 TIMEOUT', 'probeTool 0 0'];
  /** The first settling asks for the probe, as long as nobody has asked it. */
  const losing = (
    probe: () => unknown,
    execute: () => unknown = () => Promise.reject(failure('TIMEOUT')),
  ): Fakes => {
    let executed = 0;
    return {
      callModel: ({ step }) => (step === 0 ? { calls: [planned(0, { effects: 'once' })] } : ended()),
      executeTool: () => (executed++ === 0 ? Promise.reject(failure('TIMEOUT')) : execute()),
      settleTool: ({ isProbed }) => (isProbed ? {} : { probe: true }),
      probeTool: probe,
    };
  };

  it('is over when the probe knows the result', async () => {
    fakes = losing(() => ({}));

    await finish(newTurn());

    expect(calls).toEqual([...LOST, 'callModel 1']);
  });

  it('is run once more when the probe says that it did not act', async () => {
    fakes = losing(
      () => ({ again: true }),
      () => ({}),
    );

    await finish(newTurn());

    expect(calls).toEqual([...LOST, 'executeTool 0 0', 'callModel 1']);
  });

  it('is not probed again when that is lost as well', async () => {
    fakes = losing(() => ({ again: true }));

    await finish(newTurn());

    expect(calls).toEqual([...LOST, 'executeTool 0 0', 'settleTool 0 0 TIMEOUT', 'callModel 1']);
  });

  it.each([
    ['knows nothing', () => ({ isUnknown: true })],
    ['fails', () => Promise.reject(failure('INVALID_ARGUMENT'))],
  ])('is settled as unknown when the probe %s', async (_what, probe) => {
    fakes = losing(probe);

    await finish(newTurn());

    expect(calls).toEqual([...LOST, 'settleTool 0 0 TIMEOUT', 'callModel 1']);
  });
});

it.each([
  ['MODEL_AUTHENTICATION', 'llm_api_error'],
  ['MODEL_INVALID_RESPONSE', 'invalid_llm_response'],
  ['MODEL_INSUFFICIENT_CREDITS', 'insufficient_credits'],
  ['NOT_FOUND', 'error'],
  ['CANCELLED', 'cancelled'],
])('a turn whose model call fails with %s is closed as %s', async (code, stopReason) => {
  fakes = { callModel: () => Promise.reject(failure(code)), closeRun: () => ended().end };

  await finish(newTurn());

  expect(calls).toEqual(['callModel 0', `closeRun ${stopReason} ${code}`]);
});

it('the signal to cancel stops the run it names in the middle of a model call', async () => {
  const gate = createGate();
  fakes = {
    callModel: async () => {
      const { cancelled, heartbeat } = Context.current();
      const beat = setInterval(() => heartbeat(), 100);
      void gate.pass();
      return cancelled.finally(() => clearInterval(beat));
    },
    closeRun: () => ended('cancelled').end,
  };
  const turn = newTurn();
  const handle = await start(turn);
  await gate.reached;

  await handle.signal('cancelTurn', turn.runId);

  await handle.result();
  expect(calls).toEqual(['callModel 0', 'closeRun cancelled CANCELLED']);
});

it('the signal to cancel another run stops nothing', async () => {
  const gate = createGate();
  fakes = { callModel: () => gate.pass().then(() => ended()) };
  const handle = await start(newTurn());
  await gate.reached;

  await handle.signal('cancelTurn', newId('run'));
  gate.open();

  await handle.result();
  expect(calls).toEqual(['callModel 0']);
});

it('the message that waits follows at once, under the same workflow id with a history of its own', async () => {
  const turn = newTurn();
  const next = { ...turn, runId: newId('run') };
  fakes = { callModel: ({ runId }) => ended('end_turn', runId === turn.runId ? next : null) };

  const handle = await start(turn);
  await handle.result();

  expect(calls).toEqual(['callModel 0', 'callModel 0']);
  const last = client.workflow.getHandle(handle.workflowId);
  const { events } = await last.fetchHistory();
  const started = events?.[0]?.workflowExecutionStartedEventAttributes;
  expect(started?.continuedExecutionRunId).toBe(handle.firstExecutionRunId);
  expect(Number(started?.firstWorkflowTaskBackoff?.seconds ?? 0)).toBe(0);
  expect(started?.firstWorkflowTaskBackoff?.nanos ?? 0).toBe(0);
});

it('a message that was stored while the last reply was closed is not left behind', async () => {
  const turn = newTurn();
  const next = { ...turn, runId: newId('run') };
  fakes = {
    callModel: async ({ runId }) => {
      const isFirst = runId === turn.runId;
      if (isFirst)
        await client.workflow.getHandle(turnWorkflowId(turn.conversationId)).signal('messageWaiting');
      return ended(); // It did not see the message yet.
    },
    findNextTurn: () => next,
  };

  await finish(turn);

  expect(calls).toEqual(['callModel 0', 'findNextTurn', 'callModel 0']);
});

it('an answer to an approval runs the allowed calls of the step that asked, then asks the model', async () => {
  fakes = {
    answerApproval: () => ({ askedBy: 'run-asked', step: 3, calls: [planned(1)] }),
    executeTool: ({ askedBy }) => (askedBy === 'run-asked' ? {} : Promise.reject(failure('INTERNAL'))),
    callModel: () => ended(),
  };

  await finish(newTurn({ isAnswer: true }));

  expect(calls).toEqual(['answerApproval', 'executeTool 3 1', 'callModel 0']);
});

it('an answer that comes when nothing waits any more ends the turn', async () => {
  fakes = { answerApproval: () => ended() };

  await finish(newTurn({ isAnswer: true }));

  expect(calls).toEqual(['answerApproval']);
});

describe('a turn that asked for an approval with a policy', () => {
  const asking = (messageId: string) => {
    const { end } = ended('requires_approval');
    return { end: { ...end, expiry: { messageId, afterSeconds: 0.2 } } };
  };
  const expiry = (messageId: string) => client.workflow.getHandle(expiryWorkflowId(messageId)).result();

  it('is over, and the wait it leaves behind starts the turn that answers', async () => {
    const [turn, messageId] = [newTurn(), newId('message')];
    const answering = { ...turn, runId: newId('run'), isAnswer: true };
    fakes = {
      callModel: ({ runId }) => (runId === turn.runId ? asking(messageId) : ended()),
      expireApproval: () => answering,
      answerApproval: () => ({ askedBy: turn.runId, step: 0, calls: [] }),
    };

    await finish(turn);
    expect(calls).toEqual(['callModel 0']);
    await expiry(messageId);
    await client.workflow.getHandle(turnWorkflowId(turn.conversationId)).result();

    expect(calls).toEqual(['callModel 0', 'expireApproval', 'answerApproval', 'callModel 0']);
  });

  it('hands the answer to the turn that is under way when the time has come', async () => {
    const [turn, messageId, gate] = [newTurn(), newId('message'), createGate()];
    const later = { ...turn, runId: newId('run') };
    const answering = { ...turn, runId: newId('run'), isAnswer: true };
    const isTaken = () => calls.includes('answerApproval');
    fakes = {
      callModel: async ({ runId }) => {
        if (runId === turn.runId) return asking(messageId);
        if (runId === later.runId) await gate.pass();
        return ended();
      },
      expireApproval: () => answering,
      findNextTurn: () => (isTaken() ? null : answering),
      answerApproval: () => ended(),
    };
    await finish(turn);
    await start(later);

    await expiry(messageId);
    expect(isTaken()).toBe(false);
    gate.open();

    await until(isTaken);
  });

  it('leaves nothing behind when nothing waits any more', async () => {
    const [turn, messageId] = [newTurn(), newId('message')];
    fakes = { callModel: () => asking(messageId), expireApproval: () => null };

    await finish(turn);
    await expiry(messageId);

    expect(calls).toEqual(['callModel 0', 'expireApproval']);
  });
});

describe('a call that is a message to another agent', () => {
  const asksAgents = planned(0, { effects: 'transactional', asksAgents: true });
  const asked = (): TurnInput => newTurn();
  const other = ({ conversationId }: TurnInput) => client.workflow.getHandle(turnWorkflowId(conversationId));

  it('starts the turn of the other agent and goes on when that one tells of its end', async () => {
    const [turn, target] = [newTurn(), asked()];
    let isOver = false;
    fakes = {
      sendToAgents: () => ({ turns: [target] }),
      callModel: ({ runId, step }) => {
        if (runId === turn.runId) return step === 0 ? { calls: [asksAgents] } : ended();
        isOver = true;
        return { end: { ...ended().end, caller: turn.conversationId } };
      },
      collectReplies: () => (isOver ? {} : { isPending: true }),
    };

    const handle = await start(turn);
    await handle.result();

    expect(calls).toEqual([
      'callModel 0',
      'sendToAgents 0 0',
      'callModel 0',
      'collectReplies 0 0',
      'callModel 1',
    ]);
    const { events } = await handle.fetchHistory();
    const signals = events?.flatMap(
      (event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? [],
    );
    const fired = events?.filter((event) => event.timerFiredEventAttributes);
    expect([signals, fired]).toEqual([['agentReplied'], []]);
  });

  it('looks by itself when nobody tells it', async () => {
    const [turn, target] = [newTurn(), asked()];
    let looks = 0;
    fakes = {
      sendToAgents: () => ({ turns: [target] }),
      callModel: ({ runId, step }) =>
        runId === turn.runId && step === 0 ? { calls: [asksAgents] } : ended(),
      collectReplies: () => (++looks === 1 ? {} : { isPending: true }),
    };

    await finish(turn);

    expect(looks).toBe(1);
  });

  it('goes on at once when the call has its result', async () => {
    const [turn, target] = [newTurn(), asked()];
    fakes = {
      sendToAgents: () => ({ turns: [target], done: {} }),
      callModel: ({ runId, step }) =>
        runId === turn.runId && step === 0 ? { calls: [asksAgents] } : ended(),
    };

    await finish(turn);
    await other(target).result();

    expect(calls).not.toContain('collectReplies 0 0');
    expect(calls.filter((name) => name.startsWith('callModel'))).toHaveLength(3);
  });

  it('calls the other turn off when its own is cancelled', async () => {
    const [turn, target, gate] = [newTurn(), asked(), createGate()];
    fakes = {
      sendToAgents: () => ({ turns: [target] }),
      callModel: async ({ runId }) => {
        if (runId === turn.runId) return { calls: [asksAgents] };
        const { cancelled, heartbeat } = Context.current();
        const beat = setInterval(() => heartbeat(), 100);
        void gate.pass();
        return cancelled.finally(() => clearInterval(beat));
      },
      cancelAgents: () => [target],
      closeRun: () => ended('cancelled').end,
    };
    const handle = await start(turn);
    await gate.reached;

    await handle.signal('cancelTurn', turn.runId);
    await handle.result();
    await other(target).result();

    expect(calls.filter((name) => name === 'closeRun cancelled CANCELLED')).toHaveLength(2);
    expect(calls).toContain('cancelAgents 0 0');
  });

  it('calls the other turn off when its own run is found to be over', async () => {
    const [turn, target] = [newTurn(), asked()];
    fakes = {
      sendToAgents: () => ({ turns: [target] }),
      callModel: ({ runId }) =>
        runId === turn.runId
          ? { calls: [asksAgents] }
          : { end: { ...ended().end, caller: turn.conversationId } },
      collectReplies: () => Promise.reject(failure('CANCELLED')),
      cancelAgents: () => [],
      closeRun: () => ended('cancelled').end,
    };

    await finish(turn);

    expect(calls.slice(-2)).toEqual(['cancelAgents 0 0', 'closeRun cancelled CANCELLED']);
  });
});
