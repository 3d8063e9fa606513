import type { Evidence } from '../../../prove/run';
import { htmlReport } from '../../../prove/html-report';
import { timesOf, toReport } from '../../../prove/report';
import type { CrashPoint, Strike } from '../../../prove/strike';
import { textReport } from '../../../prove/text-report';
import type { JudgedCall, Verdict } from '../../../prove/verdict';

const call = (facts: Partial<JudgedCall>): JudgedCall => ({
  key: 'run-1/0/c0',
  runId: 'run-1',
  stepId: 'step-1',
  step: 0,
  label: '0-a-1',
  tool: 'prove_charge',
  effects: 'once',
  outcome: 'exact',
  repeats: 0,
  ...facts,
});
const struck = (facts: Partial<CrashPoint>): CrashPoint => ({
  kill: 0,
  kind: 'worker',
  lane: 0,
  aim: { name: 'tool-effect-done', effects: 'once' },
  isReached: true,
  hit: { boundary: 'tool-effect-done', runId: 'run-1', step: 0, effects: 'once', key: 'run-1/0/c0' },
  recoveryMs: 1800,
  isStuck: false,
  ...facts,
});
const strikeAt = (point: CrashPoint): Strike => ({
  kill: point.kill,
  kind: point.kind,
  backMs: 900,
  points: [point],
});

const clean: Verdict = {
  calls: [
    call({ outcome: 'unknown' }),
    call({ key: 'run-1/0/c9' }),
    call({ key: 'run-1/1/c1', step: 1, effects: 'read', tool: 'prove_look' }),
  ],
  turns: 1,
  lostTurns: [],
  brokenStreams: [],
  invalidTranscripts: [],
  untruths: [],
  reconnects: 1,
};
const evidence = (facts: Partial<Evidence> = {}): Evidence => ({
  options: { kills: 1, seed: 4, minutes: null, toolsFile: null, isLedgerOff: false, only: null },
  startedAt: new Date(0),
  wallMs: 60_000,
  strikes: [strikeAt(struck({}))],
  cut: null,
  verdict: clean,
  problems: [],
  machine: { cores: 2, load: 3.14 },
  ...facts,
});
const rowOf = (report: ReturnType<typeof toReport>, boundary: string) =>
  report.boundaries.find((each) => each.boundary === boundary)!;

it("a kill at a tool's boundary is answered for by the call that was struck", () => {
  const row = rowOf(toReport(evidence()), 'tool-effect-done (once)');

  expect(row.killed.worker).toBe(1);
  expect(row.calls.once).toMatchObject({ unknown: 1, exact: 0 });
  expect(row.calls.read.exact).toBe(0);
});

it('a kill anywhere else is answered for by all calls of the run', () => {
  const point = struck({
    aim: { name: 'model-claimed', effects: null },
    hit: { boundary: 'model-claimed', runId: 'run-1', step: 1, effects: null, key: null },
  });

  const row = rowOf(toReport(evidence({ strikes: [strikeAt(point)] })), 'model-claimed');

  expect([row.calls.once.unknown, row.calls.once.exact, row.calls.read.exact]).toEqual([1, 1, 1]);
});

it('a boundary that nobody came to in time counts as missed and not as killed', () => {
  const row = rowOf(
    toReport(evidence({ strikes: [strikeAt(struck({ isReached: false }))] })),
    'tool-effect-done (once)',
  );

  expect([row.killed.worker, row.missed, row.calls.once.unknown]).toEqual([0, 1, 0]);
});

it.each([
  ['a lost turn', { verdict: { ...clean, lostTurns: ['run-1: running (no reason)'] } }],
  ['a duplicate', { verdict: { ...clean, calls: [call({ outcome: 'duplicate', repeats: 1 })] } }],
  ['a lost call', { verdict: { ...clean, calls: [call({ outcome: 'lost' })] } }],
  [
    'an invalid transcript',
    { verdict: { ...clean, invalidTranscripts: ['agent-1: a call has no result after it'] } },
  ],
  ['a broken stream', { verdict: { ...clean, brokenStreams: ['run-1: frame 3 of 9'] } }],
  ['an untrue outcome', { verdict: { ...clean, untruths: ['run-1/0/c0'] } }],
  ['a run that never went on', { strikes: [strikeAt(struck({ isStuck: true, recoveryMs: null }))] }],
  ['a complaint of a client', { problems: ['turn 0-a-1: 422'] }],
] satisfies [string, Partial<Evidence>][])('%s fails the run', (_, facts) => {
  expect(toReport(evidence()).hasPassed).toBe(true);
  expect(toReport(evidence(facts)).hasPassed).toBe(false);
});

it('a run without a turn proves nothing and fails', () => {
  expect(toReport(evidence({ verdict: { ...clean, turns: 0 } })).hasPassed).toBe(false);
});

it('percentiles are values that were measured', () => {
  expect(timesOf(Array.from({ length: 100 }, (_, at) => at + 1))).toEqual({
    count: 100,
    p50Ms: 50,
    p95Ms: 95,
    maxMs: 100,
  });
  expect(timesOf([])).toEqual({ count: 0, p50Ms: 0, p95Ms: 0, maxMs: 0 });
});

it('the slowest recoveries are named with their runs, and the times with the machine they were taken on', () => {
  const slow = struck({ kill: 1, recoveryMs: 2300.4 });
  const report = toReport(evidence({ strikes: [strikeAt(struck({})), strikeAt(slow)] }));

  expect(report.slowest.map(({ kill, recoveryMs }) => [kill, recoveryMs])).toEqual([
    [1, 2300],
    [0, 1800],
  ]);
  expect(htmlReport(report)).toContain('<code>run-1</code>');
  expect(textReport(report)).toContain('2 cores, load 3.1 at the end');
});

it('both reports say that and why a run was cut short', () => {
  const report = toReport(evidence({ cut: '--minutes 1 had passed' }));

  expect(textReport(report)).toContain('CUT SHORT: --minutes 1 had passed after 1 of 1 kills');
  expect(htmlReport(report)).toContain('Cut short: --minutes 1 had passed');
});

it('the page needs nothing from elsewhere and shows texts as texts', () => {
  const page = htmlReport(toReport(evidence({ problems: ['<script src="http://example.com/x.js">'] })));

  expect(page).not.toMatch(/<script|<link|src="http|url\(/);
  expect(page).toContain('&lt;script src=');
});
