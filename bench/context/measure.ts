import { newId } from '../../new-id';
import type { Pool } from '../../db/pool';
import { type Quantiles, quantilesOf } from '../load';
import type { BenchStack } from '../stack';
import { createAgent, takeTurn } from '../turns';

/** A conversation that went before: how many of its messages the model reads, and how many have left its context. */
interface Past {
  readonly name: string;
  readonly inContext: number;
  readonly outOfContext: number;
}
export interface ContextCost extends Quantiles {
  readonly name: string;
  /** The first turn, which has to read everything. */
  readonly firstMs: number;
  /** p50 beside that of the shortest context. */
  readonly ratio: number;
}

const PASTS: readonly Past[] = [
  { name: 'context 10', inContext: 10, outOfContext: 0 },
  { name: 'context 1,000', inContext: 1_000, outOfContext: 0 },
  { name: 'context 10,000', inContext: 10_000, outOfContext: 0 },
  { name: 'context 10, 100,000 out', inContext: 10, outOfContext: 100_000 },
];

/**
 * One-step turns at one caller with shorter and longer pasts. The pasts take turns, so that a machine whose speed changes
 * treats all of them alike; each turn adds two messages to its own.
 */
export async function measureContexts(
  { api, db }: Pick<BenchStack, 'api' | 'db'>,
  { rounds, progress }: { readonly rounds: number; readonly progress: (line: string) => void },
): Promise<readonly ContextCost[]> {
  const agents: string[] = [];
  for (const past of PASTS) {
    progress(`filling ${past.name}`);
    const agentId = await createAgent(api);
    await fill(db, agentId, past);
    agents.push(agentId);
  }
  await db.query('vacuum analyze messages');
  const times = PASTS.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    if (round % 10 === 0) progress(`contexts, round ${round} of ${rounds}`);
    for (const [at, agentId] of agents.entries()) {
      const startedAt = performance.now();
      await takeTurn(api, agentId, 'Hello.');
      times[at]?.push(performance.now() - startedAt);
    }
  }
  const costs = PASTS.map(({ name }, at) => {
    const [firstMs = Number.NaN, ...later] = times[at] ?? [];
    return { name, firstMs, ...quantilesOf(later) };
  });
  return costs.map((cost) => ({ ...cost, ratio: cost.p50Ms / (costs[0]?.p50Ms ?? Number.NaN) }));
}

// 160 characters, about 35 tokens: chat messages are seldom longer.
const TEXT =
  'The roses on the balcony want water every second day, and the light of the late afternoon does them good. '
    .repeat(2)
    .slice(0, 160);

/** Questions and answers; those out of the context lie before it. */
async function fill(db: Pool, agentId: string, { inContext, outOfContext }: Past): Promise<void> {
  await db.query(
    `insert into messages (id, conversation_id, agent_id, role, parts, in_context)
     select $2 || '-' || n, $1, $1, case n % 2 when 1 then 'user' else 'assistant' end,
            jsonb_build_array(jsonb_build_object('type', 'text', 'text', n || ': ' || $3::text)),
            case when n > $4::int then true end
       from generate_series(1, $4::int + $5::int) n order by n`,
    [agentId, newId('message'), TEXT, outOfContext, inContext],
  );
}

/** A table of the figures. */
export function contextsText(costs: readonly ContextCost[]): string {
  const row = (cells: readonly string[]): string =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(26) : cell.padStart(10))).join('');
  return [
    '',
    row(['one-step turn', 'p50 ms', 'p95 ms', 'ratio', 'first ms']),
    ...costs.map(({ name, p50Ms, p95Ms, ratio, firstMs }) =>
      row([name, p50Ms.toFixed(1), p95Ms.toFixed(1), ratio.toFixed(2), firstMs.toFixed(1)]),
    ),
    '',
  ].join('\n');
}
