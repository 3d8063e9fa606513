import { CLASSES } from './boundaries';
import { cellOf, FAILURES, hasFailed, type Failure, type Outcomes, type Report, type Times } from './report';
import { machineText, sum } from './text-report';

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1b1f24; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
th, td { border: 1px solid #d0d7de; padding: .3rem .6rem; text-align: left; vertical-align: top; }
th { background: #f6f8fa; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.good { background: #dafbe1; } .bad { background: #ffebe9; } .open { background: #fff8c5; }
.verdict { font-size: 1.4rem; font-weight: 600; padding: .4rem .8rem; display: inline-block; border-radius: .4rem; }
code, pre { font: 13px/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }`;

/** The report as one page that needs nothing from anywhere else. */
export function htmlReport(report: Report): string {
  const { kills, killsPlanned, crashPoints, turns, reconnects, seed, wallMs, startedAt, cut } = report;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Everturn crash report</title><style>${STYLE}</style></head><body>
<h1>Everturn crash report</h1>
<p class="verdict ${report.hasPassed ? 'good' : 'bad'}">${report.hasPassed ? 'Passed' : 'Failed'}</p>
<p>${kills} of ${killsPlanned} kills with seed ${seed} in ${(wallMs / 60_000).toFixed(1)} minutes, started ${escaped(startedAt)}:
${crashPoints} crash points under ${turns} turns; clients resumed ${reconnects} streams.</p>
${cut === null ? '' : `<p class="open">Cut short: ${escaped(cut)} after ${kills} of ${killsPlanned} kills.</p>`}
${report.isLedgerOff ? '<p class="open">Without the ledger: duplicates are expected.</p>' : ''}
<h2>What must not be</h2>
${rows(['', 'count', ''], Object.entries(report.failures).map(failureRow))}
<h2>Recovery</h2>
<p>From <code>kill -9</code> to the next durable step, and until the process serves again, in milliseconds;
${machineText(report)}.</p>
${rows(
  ['killed', 'kills', 'p50', 'p95', 'max', 'back p50', 'back p95', 'back max'],
  report.kinds.map(
    ({ kind, kills: count, recovery, back }) =>
      `<td>${kind}</td>${[count, ...times(recovery), ...times(back)].map(numberCell).join('')}`,
  ),
)}
<p>The slowest:</p>
${rows(
  ['kill', 'killed', 'boundary', 'run', 'recovery', 'back'],
  report.slowest.map(
    ({ kill, kind, boundary, runId, recoveryMs, backMs }) =>
      `<td class="number">${kill}</td><td>${kind}</td><td>${escaped(boundary)}</td><td><code>${escaped(runId)}</code></td>` +
      [recoveryMs, backMs].map(numberCell).join(''),
  ),
)}
<h2>Tool calls by boundary and class of effects</h2>
<p>At a boundary of a tool the call that was struck; elsewhere every call of the run that was struck.</p>
${rows(['boundary', 'killed', ...CLASSES], [...report.boundaries.map(boundaryRow), allRow(report)])}
<h2>All calls by tool</h2>
${rows(
  ['tool', 'outcomes'],
  Object.entries(report.tools).map(([tool, outcomes]) => `<td>${escaped(tool)}</td>${outcomeCell(outcomes)}`),
)}
</body></html>
`;
}

const rows = (head: readonly string[], body: readonly string[]): string =>
  `<table><tr>${head.map((each) => `<th>${escaped(each)}</th>`).join('')}</tr>${body
    .map((row) => `<tr>${row}</tr>`)
    .join('\n')}</table>`;

function failureRow([name, entries]: readonly [string, readonly string[]]): string {
  const list = entries.length === 0 ? '' : `<pre>${escaped(entries.join('\n'))}</pre>`;
  const title = FAILURES[name as Failure]; // its own keys
  return `<td>${title}</td><td class="number ${entries.length === 0 ? 'good' : 'bad'}">${entries.length}</td><td>${list}</td>`;
}

function boundaryRow({ boundary, killed, missed, calls }: Report['boundaries'][number]): string {
  const kinds = Object.entries(killed).flatMap(([kind, count]) => (count > 0 ? [`${kind} ${count}`] : []));
  const misses = missed > 0 ? [`not reached ${missed}`] : [];
  return `<td>${escaped(boundary)}</td><td>${[...kinds, ...misses].join(', ')}</td>${CLASSES.map((effects) =>
    outcomeCell(calls[effects]),
  ).join('')}`;
}

const allRow = ({ kills, allCalls }: Report): string =>
  `<th>all calls of the run</th><td>${kills}</td>${CLASSES.map((effects) => outcomeCell(allCalls[effects])).join('')}`;

function outcomeCell(outcomes: Outcomes): string {
  const isEmpty = sum(Object.values(outcomes)) === 0;
  const look = isEmpty ? '' : hasFailed(outcomes) ? 'bad' : outcomes.unknown > 0 ? 'open' : 'good';
  return `<td class="${look}">${cellOf(outcomes)}</td>`;
}

const times = ({ count, p50Ms, p95Ms, maxMs }: Times): readonly (number | null)[] =>
  count === 0 ? [null, null, null] : [p50Ms, p95Ms, maxMs];

const numberCell = (value: number | null): string => `<td class="number">${value ?? '–'}</td>`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
