import { CLASSES } from './boundaries';
import { cellOf, FAILURES, type Failure, type Report, type Times } from './report';

const SHOWN = 5;

/** The report for a terminal. */
export function textReport(report: Report): string {
  const { kills, killsPlanned, crashPoints, turns, reconnects, seed, wallMs, cut } = report;
  return [
    '',
    `${kills} of ${killsPlanned} kills (seed ${seed}) in ${(wallMs / 60_000).toFixed(1)} minutes: ${crashPoints} crash points ` +
      `under ${turns} turns, ${reconnects} streams resumed.`,
    ...(cut === null ? [] : [`CUT SHORT: ${cut} after ${kills} of ${killsPlanned} kills.`]),
    ...(report.isLedgerOff ? ['WITHOUT THE LEDGER: duplicates are expected.'] : []),
    '',
    'What became of the tool calls that a kill could touch, by boundary and class of effects:',
    table([
      ['boundary', 'killed', ...CLASSES],
      ...report.boundaries
        .filter(({ killed, missed }) => sum(Object.values(killed)) + missed > 0)
        .map(({ boundary, killed, missed, calls }) => [
          boundary,
          `${sum(Object.values(killed))}${missed > 0 ? ` (${missed} missed)` : ''}`,
          ...CLASSES.map((effects) => cellOf(calls[effects])),
        ]),
      ['all calls of the run', String(kills), ...CLASSES.map((effects) => cellOf(report.allCalls[effects]))],
    ]),
    '',
    `From kill -9 to the next durable step, and until the process serves again, in ms (${machineText(report)}):`,
    table([
      ['killed', 'kills', 'p50', 'p95', 'max', 'back p50', 'back p95', 'back max'],
      ...report.kinds.map(({ kind, kills: count, recovery, back }) => [
        kind,
        String(count),
        ...timesText(recovery),
        ...timesText(back),
      ]),
    ]),
    '',
    ...Object.entries(report.failures).flatMap(([name, entries]) => [
      `${FAILURES[name as Failure]}: ${entries.length}`, // its own keys
      ...entries.slice(0, SHOWN).map((entry) => `  ${entry.slice(0, 300)}`),
      ...(entries.length > SHOWN ? [`  and ${entries.length - SHOWN} more, see report.json`] : []),
    ]),
    '',
    report.hasPassed ? 'PASSED' : 'FAILED',
    '',
  ].join('\n');
}

/** What the times depend on. */
export const machineText = ({ machine: { cores, load } }: Report): string =>
  `${cores} cores, load ${load.toFixed(1)} at the end`;

const timesText = ({ count, p50Ms, p95Ms, maxMs }: Times): string[] =>
  count === 0 ? ['-', '-', '-'] : [p50Ms, p95Ms, maxMs].map(String);

export const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
