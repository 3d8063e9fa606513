import { createMixedAgent, createMixedTools } from '../test/support/mixed-tools';
import { measureMemoryRounds, type MemoryRounds } from './server-memory';
import type { BenchStack } from './stack';
import { takeTurn } from './turns';

const AGENTS = 20;
const CALLS_PER_TURN = 10;
const ROUNDS = 5;

/** Many tool calls at once, of every kind. */
export interface ToolLoad {
  /** In one round. */
  readonly calls: number;
  readonly seconds: readonly number[];
  readonly memory: MemoryRounds;
}

/** Lets twenty agents call ten tools each, round after round, and looks at the memory of the server in between. */
export async function measureToolLoad(
  stack: BenchStack,
  progress: (line: string) => void,
): Promise<ToolLoad> {
  const { names, message } = await createMixedTools(stack.api, stack.mcp);
  const agents: string[] = [];
  for (let at = 0; at < AGENTS; at++) agents.push(await createMixedAgent(stack.api, names));
  const seconds: number[] = [];
  const memory = await measureMemoryRounds(stack, ROUNDS, async (round) => {
    progress(`${AGENTS * CALLS_PER_TURN} tool calls at once, round ${round} of ${ROUNDS}`);
    const startedAt = performance.now();
    await Promise.all(agents.map((id) => takeTurn(stack.api, id, message)));
    seconds.push((performance.now() - startedAt) / 1000);
  });
  return { calls: AGENTS * CALLS_PER_TURN, seconds, memory };
}
