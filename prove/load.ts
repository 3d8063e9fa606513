import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeReply, FakeRequest, FakeToolCall } from '../test/support/fake-openai';
import { callApi, replayRun, streamTurn } from './client';
import type { Coordinator } from './coordinator';
import { KIT_TOOLS } from './tools';

/** One message of a client and what came of it. */
export interface Turn {
  readonly runId: string;
  readonly label: string;
  readonly agentId: string;
  readonly lane: number;
  readonly reconnects: number;
  /** How the stream, joined where it was cut, differs from the same one read in one piece; null if it does not. */
  readonly difference: string | null;
}
/** An agent under load; `queue` gets two messages at a time, `approval` waits for answers. */
export interface LoadedAgent {
  readonly id: string;
  readonly lane: number;
}

/** What a turn adds to the memory of its agent. */
export const factOf = (label: string): string => `fact ${label}`;
const MODEL_MS = 15;
const FRAME_MS = 4;

/**
 * The script of the fake model: one call a step, each class once, then a text that takes a while to stream. Turns begin
 * with another call each, so that every tool is the first that comes to a boundary now and then.
 */
export function createScript(userCalls: readonly FakeToolCall[]) {
  return ({ turns }: FakeRequest): FakeReply => {
    const at = turns.findLastIndex((turn) => turn.role === 'user' && TURN.test(turn.text));
    const [, label = 'none', shape = 'plain'] = TURN.exec(turns[at]?.text ?? '') ?? [];
    const step = turns.slice(at + 1).filter((turn) => turn.role === 'assistant').length;
    const count = (name: string) => ({ name, arguments: { label } });
    const memory = { name: 'memory_insert', arguments: { label: 'human', new_string: factOf(label) } };
    const { read, idempotent, once, approved } = KIT_TOOLS;
    const calls =
      shape === 'approval'
        ? [count(approved), memory]
        : rotated([count(read), count(idempotent), count(once), memory, ...userCalls], label);
    const call = calls[step];
    if (call) return { toolCalls: [call], delayMs: MODEL_MS };
    return { text: `Done with ${label}. `.repeat(8), delayMs: MODEL_MS, frameDelayMs: FRAME_MS };
  };
}
const TURN = /turn (\S+) (plain|approval)/;

function rotated<T>(calls: readonly T[], label: string): readonly T[] {
  const by = Number(/\d+$/.exec(label)?.[0] ?? 0) % calls.length;
  return [...calls.slice(by), ...calls.slice(0, by)];
}

export interface LoadOptions {
  readonly lane: number;
  readonly url: string;
  readonly coordinator: Coordinator;
  readonly userToolNames: readonly string[];
  /** Over at once, whatever is under way. */
  readonly signal: AbortSignal;
}

/** Clients that send turn after turn on three agents, until they are told to stop. */
export interface Load {
  readonly agents: readonly LoadedAgent[];
  readonly turns: readonly Turn[];
  readonly problems: readonly string[];
  /** When a client of this lane last got a frame. */
  lastFrameAt(): number;
  /** Ends the pause between turns. */
  hurry(): void;
  /** No further turns; resolves when those under way are over. */
  finish(deadline: number): Promise<void>;
}

const PAUSE_MS = 3_000;
const TURNS_OF_AGENT = 15;
// One agent has two clients, so that a message always waits; one asks for approvals.
const SHAPES: readonly (readonly ('plain' | 'approval')[])[] = [['plain', 'plain'], ['plain'], ['approval']];

export function startLoad(options: LoadOptions): Load {
  const state = createState();
  options.signal.addEventListener('abort', () => state.over.abort());
  const { agents, turns, problems } = state;
  const running = generations(options, state).catch((error: unknown) => void problems.push(String(error)));
  return {
    agents,
    turns,
    problems,
    lastFrameAt: () => state.lastFrameAt,
    hurry() {
      state.wake.abort();
      state.wake = new AbortController();
    },
    async finish(deadline) {
      state.isStopping = true;
      state.wake.abort();
      const timer = setTimeout(() => state.over.abort(), deadline - Date.now());
      await running;
      clearTimeout(timer);
    },
  };
}

interface State {
  readonly agents: LoadedAgent[];
  readonly turns: Turn[];
  readonly problems: string[];
  count: number;
  lastFrameAt: number;
  /** Nobody waits for turns any more. */
  readonly over: AbortController;
  isStopping: boolean;
  wake: AbortController;
}

const createState = (): State => ({
  agents: [],
  turns: [],
  problems: [],
  count: 0,
  lastFrameAt: 0,
  over: new AbortController(),
  isStopping: false,
  wake: new AbortController(),
});

// Fresh agents now and then: a transcript that grows for an hour would measure itself.
async function generations(options: LoadOptions, state: State): Promise<void> {
  while (!state.isStopping) {
    const fresh = await Promise.all(SHAPES.map(() => createAgent(options, state)));
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
      const frames = await say(options, state, about, { input: `turn ${label} ${shape}` });
      if (shape === 'approval') await say(options, state, about, approvalOf(frames));
    } catch (error) {
      state.problems.push(`turn ${label}: ${error instanceof Error ? error.message : String(error)}`);
      if (state.over.signal.aborted) return;
    }
    await sleep(PAUSE_MS, undefined, { signal: state.wake.signal }).catch(() => undefined); // Hurried on.
  }
}

/** One message, its stream, and the same stream once more in one piece. Returns the frames. */
async function say(
  { url, lane, coordinator }: LoadOptions,
  state: State,
  { agentId, label }: { readonly agentId: string; readonly label: string },
  body: object,
): Promise<readonly string[]> {
  const key = `${label}-${Object.keys(body).join('')}-${JSON.stringify(body).length}`;
  const { runId, frames, reconnects } = await streamTurn(
    url,
    { agentId, key, body },
    {
      signal: state.over.signal,
      async onFrame(count, ofRun) {
        state.lastFrameAt = Date.now();
        const hit = {
          boundary: 'client-mid-stream',
          runId: ofRun,
          step: 0,
          effects: null,
          key: null,
        } as const;
        if (count > 3) await coordinator.reach(hit, lane);
      },
    },
  );
  const difference = differenceOf(frames, await replayRun(url, runId, state.over.signal));
  state.turns.push({ runId, label, agentId, lane, reconnects, difference });
  return frames;
}

/** Where two readings of one stream part; null if they are the same bytes. */
export function differenceOf(joined: readonly string[], whole: readonly string[]): string | null {
  if (joined.join('') === whole.join('')) return null;
  const first = whole.findIndex((frame, index) => frame !== joined[index]);
  const at = first === -1 ? whole.length : first;
  return `frame ${at} of ${whole.length} (${joined.length} came): ${joined[at] ?? 'missing'} instead of ${whole[at] ?? 'nothing'}`;
}

function approvalOf(frames: readonly string[]): object {
  const id = /"tool_call_id": ?"([^"]+)"/.exec(frames.join(''))?.[1];
  if (id === undefined) throw new Error('a turn asked for no approval');
  return {
    messages: [{ type: 'approval', approvals: [{ type: 'approval', tool_call_id: id, approve: true }] }],
  };
}

async function createAgent(
  { url, lane, userToolNames }: LoadOptions,
  { over }: Pick<State, 'over'>,
): Promise<LoadedAgent> {
  const body = {
    name: `prove-${lane}`,
    model: 'openai/gpt-4.1',
    memory_blocks: [{ label: 'human', value: 'start', limit: 1_000_000 }],
    tools: [...Object.values(KIT_TOOLS), ...userToolNames],
    tool_rules: [{ type: 'requires_approval', tool_name: KIT_TOOLS.approved }],
  };
  const request = { method: 'POST', path: '/v1/agents/', body };
  const { id } = await callApi<{ id: string }>(url, request, over.signal);
  return { id, lane };
}
