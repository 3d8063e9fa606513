import type { Cell, Shape } from './cells';
import { openPost, post } from './http';

const MODEL = 'openai/gpt-4.1';
/** An agent is retired after so many turns, so that prompts keep the size of a young conversation. */
const TURNS_PER_AGENT = 20;

const SEARCH = 'CALL conversation_search {"query":"something said before"}';
const RETHINK = 'CALL memory_rethink {"label":"human","new_memory":"Name: Ada. Likes short answers."}';

/** What the fake model is told to do, see its directives. */
export function messageFor({ shape, modelMs }: Pick<Cell, 'shape' | 'modelMs'>): string {
  const wait = modelMs > 0 ? `DELAY ${modelMs}\n` : '';
  const steps: Readonly<Record<Shape, readonly string[]>> = {
    'one-step': ['SAY Hello, Ada.'],
    'two-tools': [SEARCH, RETHINK, 'SAY Hello, Ada.'],
  };
  return steps[shape].map((step) => wait + step).join('\nTHEN\n');
}

/** A turn of `count` tool calls, one a step, searches and memory edits by turns. */
export function manyToolsMessage(count: number): string {
  const calls = Array.from({ length: count }, (_, at) => (at % 2 === 0 ? SEARCH : RETHINK));
  return [...calls, 'SAY Done.'].join('\nTHEN\n');
}

/** An agent with one memory block, the default tools, and the one that rewrites the block. */
export async function createAgent(api: string): Promise<string> {
  const agent = await post(`${api}/v1/agents/`, {
    model: MODEL,
    tools: ['memory_rethink'],
    memory_blocks: [{ label: 'human', value: 'Name: Ada.' }],
  });
  return String(agent['id']);
}

/** Agents for `callers`, enough of each for `turns` turns in all. */
export async function createAgents(api: string, callers: number, turns: number): Promise<string[][]> {
  const perCaller = Math.ceil((turns * 1.5) / callers / TURNS_PER_AGENT);
  const agents: string[][] = [];
  for (let caller = 0; caller < callers; caller++) {
    agents.push(await Promise.all(Array.from({ length: perCaller }, () => createAgent(api))));
  }
  return agents;
}

/** The agent for a caller's turn. */
export function agentFor(agents: readonly (readonly string[])[], caller: number, turn: number): string {
  const own = agents[caller] ?? [];
  return own[Math.floor(turn / TURNS_PER_AGENT) % own.length] ?? '';
}

/** One blocking turn; anything but a proper end throws, and so does a tool that failed. */
export async function takeTurn(api: string, agentId: string, input: string): Promise<void> {
  const answer = await post(`${api}/v1/agents/${agentId}/messages`, { input, max_steps: 100 });
  const { stop_reason: reason } = answer['stop_reason'] as { stop_reason?: string };
  if (reason !== 'end_turn') throw new Error(`the turn ended with ${String(reason)}`);
  const failed = (answer['messages'] as { status?: string; tool_return?: string }[]).find(
    ({ status }) => status === 'error',
  );
  if (failed) throw new Error(`a tool failed: ${failed.tool_return}`);
}

/** One streamed turn; milliseconds to its first event that comes from the model. */
export async function firstEventMs(api: string, agentId: string, input: string): Promise<number> {
  const sentAt = performance.now();
  const body = { input, streaming: true, stream_tokens: true };
  const answer = await openPost(`${api}/v1/agents/${agentId}/messages`, body);
  let text = '';
  let ms = Number.NaN;
  for await (const chunk of answer) {
    text += String(chunk);
    if (Number.isNaN(ms) && text.includes('assistant_message')) ms = performance.now() - sentAt;
  }
  if (!text.includes('[DONE]')) throw new Error(`the stream ended early: ${text.slice(-200)}`);
  return ms;
}
