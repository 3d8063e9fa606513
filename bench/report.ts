import { nameOf } from './cells';
import type { CellResult } from './measure-cell';
import type { Quantiles } from './load';
import { memoryText } from './server-memory';
import type { Singles } from './singles';

const COLUMNS = [
  ['cell', 18],
  ['p50 ms', 8],
  ['p95 ms', 8],
  ['turns/s', 8],
  ['errors', 7],
  ['floor p50', 10],
  ['floor p95', 10],
  ['floor/s', 8],
  ['p50 ×', 7],
  ['rate ×', 7],
  ['CPU ms/turn server+temporal+postgres', 37],
  ['RSS MB', 14],
] as const;

const row = (values: readonly string[]): string =>
  COLUMNS.map(([, width], at) =>
    at === 0 ? (values[at] ?? '').padEnd(width) : (values[at] ?? '').padStart(width),
  )
    .join('')
    .trimEnd();

export const CELL_HEAD = row(COLUMNS.map(([title]) => title));

/** One line of the table: the turn, the floor, and how many times worse than the floor the turn is. */
export function cellLine({ cell, turn, floor, cpuMsPerTurn: cpu, rssMb: rss }: CellResult): string {
  const sum = cpu.server + cpu.temporal + cpu.postgres;
  const line = row([
    nameOf(cell),
    turn.p50Ms.toFixed(1),
    turn.p95Ms.toFixed(1),
    turn.perSecond.toFixed(1),
    String(turn.errors.length),
    floor.p50Ms.toFixed(1),
    floor.p95Ms.toFixed(1),
    floor.perSecond.toFixed(1),
    (turn.p50Ms / floor.p50Ms).toFixed(2),
    (floor.perSecond / turn.perSecond).toFixed(2),
    `${sum.toFixed(1)} = ${[cpu.server, cpu.temporal, cpu.postgres].map((ms) => ms.toFixed(1)).join('+')}`,
    [rss.server, rss.temporal, rss.postgres].map((mb) => mb.toFixed(0)).join('+'),
  ]);
  return [
    line,
    ...[...new Set(turn.errors)].slice(0, 3).map((error) => `  error: ${error.slice(0, 200)}`),
  ].join('\n');
}

const quantiles = ({ p50Ms, p95Ms }: Quantiles): string =>
  `p50 ${p50Ms.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms`;

/** The figures beside the table. */
export function singlesText({
  fiftyToolsMs,
  toolCalls,
  toolLoad,
  firstEvent,
  reactions,
  costs,
  spans,
  memory,
}: Singles): string {
  const seconds = fiftyToolsMs.map((ms) => (ms / 1000).toFixed(2)).join(', ');
  return [
    '',
    `50-tool turn: ${seconds} s`,
    'one warm call of a tool, without the turn around it:',
    ...toolCalls.map(
      ({ kind, p50Ms, p95Ms }) =>
        `  ${kind.padEnd(14)} p50 ${p50Ms.toFixed(1).padStart(6)} ms, p95 ${p95Ms.toFixed(1).padStart(6)} ms`,
    ),
    `${toolLoad.calls} tool calls of all kinds at once: ${toolLoad.seconds.map((each) => each.toFixed(1)).join(', ')} s a round, ` +
      `server RSS after each: ${memoryText(toolLoad.memory)}`,
    `first streamed event: ${quantiles(firstEvent)}`,
    `cancel to the end of the stream: ${quantiles(reactions.cancel)}`,
    `approval to the reply (a tool and a model call): ${quantiles(reactions.approval)}`,
    ...costs.map(
      (cost) =>
        `${cost.shape}: ${cost.statements} SQL statements in ${cost.transactions} transactions, ` +
        `${cost.activities} activities, ${cost.historyEvents} history events, ${cost.historyBytes} bytes`,
    ),
    ...(memory ? [`server RSS after each round at 256 callers: ${memoryText(memory)}`] : []),
    'a one-step turn, median ms:',
    ...spans.map(({ name, ms }) => `  ${name.padEnd(44)}${ms.toFixed(1).padStart(6)}`),
    '',
  ].join('\n');
}
