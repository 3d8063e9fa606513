import { ActivityCancellationDetails } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createExecuteTool } from '../../../activities/execute-tool';
import type { ActivityDeps } from '../../../activities/deps';
import type { ToolOutcome } from '../../../domain/tool';
import type { ToolDone } from '../../../domain/turn';
import type { OpenedTool } from '../../../domain/turn-state';
import { buildTool } from '../../support/build-tool';
import { until } from '../../support/started';

const SENT: ToolOutcome = { status: 'success', result: 'sent', stdout: null, stderr: null };
const KEY = { runId: 'run-1', step: 0, index: 0 };

/** A claimed call of a tool that acts, although it is told to stop while it does. */
function scene(
  stop: (environment: MockActivityEnvironment, cancelRun: () => void) => void,
  result: Promise<ToolOutcome> = Promise.resolve(SENT),
) {
  const environment = new MockActivityEnvironment(
    {},
    { logger: new DefaultLogger('ERROR', () => undefined) },
  );
  const stored: string[] = [];
  let cancelRun = () => {};
  const opened = {
    key: 'run-1/0/call-1',
    effects: 'once',
    refusal: null,
    tool: buildTool({ name: 'send' }),
    call: { type: 'tool_call', id: 'call-1', name: 'send', arguments: '{}' },
  } as OpenedTool; // what this activity reads of it
  const deps = {
    turns: {
      openTool: () => Promise.resolve({ opened }),
      saveToolResult: (_tool: OpenedTool, { result }: ToolOutcome): Promise<ToolDone> => {
        stored.push(`saved ${result}`);
        return Promise.resolve({});
      },
      keepLateResult: (_tool: OpenedTool, { result }: ToolOutcome) => {
        stored.push(`kept ${result}`);
        return Promise.resolve();
      },
    },
    tools: {
      run: () => {
        stop(environment, cancelRun);
        return result;
      },
    },
    cancellations: {
      watch: (_runId: string, onCancel: () => void) => {
        cancelRun = onCancel;
        return () => undefined;
      },
    },
    toolLimits: { once: 50, read: 50, idempotent: 50 },
  } as unknown as ActivityDeps; // only these are called
  return { stored, run: () => environment.run(createExecuteTool(deps), KEY) };
}

it('the result of an attempt that was given up is stored if nobody closed the call', async () => {
  const { stored, run } = scene((environment) =>
    environment.cancel('TIMED_OUT', new ActivityCancellationDetails({ timedOut: true })),
  );

  await expect(run()).resolves.toEqual({});

  expect(stored).toEqual(['saved sent']);
});

it('what a tool brought in a cancelled run is kept for whoever closes the run', async () => {
  const { stored, run } = scene((_environment, cancelRun) => cancelRun());

  await expect(run()).rejects.toMatchObject({ code: 'CANCELLED' });

  expect(stored).toEqual(['kept sent']);
});

it('a tool that does not end is given up at its limit, and what it brings later is kept', async () => {
  let bring = (_outcome: ToolOutcome) => {};
  const late = new Promise<ToolOutcome>((resolve) => (bring = resolve));
  const { stored, run } = scene(() => undefined, late);

  await expect(run()).rejects.toMatchObject({ code: 'TOOL_TIMEOUT' });
  expect(stored).toEqual([]);
  bring(SENT);

  await until(() => stored.length > 0);
  expect(stored).toEqual(['kept sent']);
});

it('a tool that fails after its limit fails nothing else', async () => {
  let fail = (_error: Error) => {};
  const late = new Promise<ToolOutcome>((_resolve, reject) => (fail = reject));
  const { stored, run } = scene(() => undefined, late);

  await expect(run()).rejects.toMatchObject({ code: 'TOOL_TIMEOUT' });
  fail(new Error('too late'));
  await late.catch(() => undefined);

  expect(stored).toEqual([]);
});
