import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeReply, FakeRequest, FakeToolCall } from '../test/support/fake-openai';
import { callApi, streamTurn, type Streamed } from './client';
import type { Coordinator } from './coordinator';
import { KIT_TOOLS } from './tools';

/** One message of a client and what came of it. */
export interface Turn extends Streamed {
  readonly label: string;
  readonly agentId: string;
  readonly lane: number;
}
/** An agent under load; `queue` gets two messages at a time, `approval` waits for answers. */
export interface LoadedAgent {
  readonly id: string;
  readonly blockId: string;
  readonly lane: number;
}

/** What a turn adds to the memory of its agent. */
export const factOf = (label: string): string => `fact ${label}`;
const MODEL_MS = 15;
const FRAME_MS = 4;

/** The script of the fake model: one call a step, each class once, then a text that takes a while to stream. */
export function createScript(userTools: readonly FakeToolCall[]) {
  return ({ turns }: FakeRequest): FakeReply => {
    const at = turns.findLastIndex((turn) => turn.role === 'user' && TURN.test(turn.text));
    const [, label = 'none', shape = 'plain'] = TURN.exec(turns[at]?.text ?? '') ?? [];
    const step = turns.slice(at + 1).filter((turn) => turn.role === 'assistant').length;
    const count = (name: string) => ({ name, arguments: { label } });
    const memory = { name: 'memory_insert', arguments: { label: 'human', new_string: factOf(label) } };
    const calls =
      shape === 'approval'
        ? [count(KIT_TOOLS.approved), memory]
        : [count(KIT_TOOLS.read), count(KIT_TOOLS.idempotent), count(KIT_TOOLS.once), memory, ...userTools];
    const call = calls[step];
    if (call) return { toolCalls: [call], delayMs: MODEL_MS };
    return { text: `Done with ${label}. `.repeat(8), delayMs: MODEL_MS, frameDelayMs: FRAME_MS };
  };
}
const TURN = /turn (\S+) (plain|approval)/;

export interface LoadOptions {
  readonly lane: number;
  readonly url: string;
  readonly coordinator: Coordinator;
  readonly userToolNames: readonly string[];
}

/** Clients that send turn after turn on three agents, until they are told to stop. */
export interface Load {
  readonly agents: readonly LoadedAgent[];
  readonly turns: readonly Turn[];
  readonly problems: readonly string[];
  /** The label of a run that a client has heard of. */
  readonly labelOf: ReadonlyMap<string, string>;
  /** When a client of this lane last got a frame. */
  lastFrameAt(): number;
  /** Ends the pause between turns. */
  hurry(): void;
  /** No further turns; resolves when those under way are over. */
  finish(deadline: number): Promise<void>;
}

const PAUSE_MS = 1_500;
const TURNS_OF_AGENT = 15;
// One agent has two clients, so that a message always waits; one asks for approvals.
const SHAPES: readonly (readonly ('plain' | 'approval')[])[] = [['plain', 'plain'], ['plain'], ['approval']];

export function startLoad(options: LoadOptions): Load {
  const state = createState();
  const { agents, turns, problems, labelOf } = state;
  const running = generations(options, state).catch((error: unknown) => void problems.push(String(error)));
  return {
    agents,
    turns,
    problems,
    labelOf,
    lastFrameAt: () => state.lastFrameAt,
    hurry() {
      state.wake.abort();
      state.wake = new AbortController();
    },
    async finish(deadline) {
      state.isStopping = true;
      state.stopAt = deadline;
      state.wake.abort();
      await running;
    },
  };
}

interface State {
  readonly agents: LoadedAgent[];
  readonly turns: Turn[];
  readonly problems: string[];
  readonly labelOf: Map<string, string>;
  count: number;
  lastFrameAt: number;
  stopAt: number;
  isStopping: boolean;
  wake: AbortController;
}

const createState = (): State => ({
  agents: [],
  turns: [],
  problems: [],
  labelOf: new Map(),
  count: 0,
  lastFrameAt: 0,
  stopAt: Infinity,
  isStopping: false,
  wake: new AbortController(),
});

// Fresh agents now and then: a transcript that grows for an hour would measure itself.
async function generations(options: LoadOptions, state: State): Promise<void> {
  while (!state.isStopping) {
    const fresh = await Promise.all(SHAPES.map(() => createAgent(options)));
    state.agents.push(...fresh);
    await Promise.all(
      fresh.flatMap(({ id }, at) => (SHAPES[at] ?? []).map((shape) => client(options, state, id, shape))),
    );
  }
}

async function client(
  options: LoadOptions,
  state: State,
  agentId: string,
  shape: 'plain' | 'approval',
): Promise<void> {
  for (let sent = 0; sent < TURNS_OF_AGENT && !state.isStopping; sent++) {
    const label = `${options.lane}-${agentId.slice(-4)}-${state.count++}`;
    const about = { agentId, label };
    try {
      const turn = await say(options, state, about, { input: `turn ${label} ${shape}` });
      if (shape === 'approval') await say(options, state, about, approvalOf(turn));
    } catch (error) {
      state.problems.push(`turn ${label}: ${error instanceof Error ? error.message : String(error)}`);
      if (Date.now() > state.stopAt) return;
    }
    await sleep(PAUSE_MS, undefined, { signal: state.wake.signal }).catch(() => undefined); // Hurried on.
  }
}

async function say(
  { url, lane, coordinator }: LoadOptions,
  state: State,
  { agentId, label }: { readonly agentId: string; readonly label: string },
  body: object,
): Promise<Turn> {
  const key = `${label}-${Object.keys(body).join('')}-${JSON.stringify(body).length}`;
  const streamed = await streamTurn(
    url,
    { agentId, key, body },
    {
      onRun: (runId) => void state.labelOf.set(runId, label),
      isOver: () => Date.now() > state.stopAt,
      async onFrame(frames, runId) {
        state.lastFrameAt = Date.now();
        const hit = { boundary: 'client-mid-stream', runId, step: 0, effects: null, key: null } as const;
        if (frames > 3) await coordinator.reach(hit, lane);
      },
    },
  );
  const turn = { ...streamed, label, agentId, lane };
  state.turns.push(turn);
  return turn;
}

function approvalOf({ frames }: Turn): object {
  const id = /"tool_call_id": ?"([^"]+)"/.exec(frames.join(''))?.[1];
  if (id === undefined) throw new Error('a turn asked for no approval');
  return {
    messages: [{ type: 'approval', approvals: [{ type: 'approval', tool_call_id: id, approve: true }] }],
  };
}

async function createAgent({ url, lane, userToolNames }: LoadOptions): Promise<LoadedAgent> {
  const created = await callApi<{ id: string; blocks: readonly { id: string }[] }>(
    url,
    'POST',
    '/v1/agents/',
    {
      name: `prove-${lane}`,
      model: 'openai/gpt-4.1',
      memory_blocks: [{ label: 'human', value: 'start', limit: 1_000_000 }],
      tools: [...Object.values(KIT_TOOLS), ...userToolNames],
      tool_rules: [{ type: 'requires_approval', tool_name: KIT_TOOLS.approved }],
    },
  );
  return { id: created.id, blockId: created.blocks[0]?.id ?? '', lane };
}
