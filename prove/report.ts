import type { ToolEffects } from '../domain/tool';
import { BOUNDARIES, KILL_KINDS, titleOf, type Boundary, type KillKind } from './boundaries';
import type { Evidence } from './run';
import type { CrashPoint, Strike } from './strike';
import { OUTCOMES, type JudgedCall, type Outcome } from './verdict';

export type Outcomes = Readonly<Record<Outcome, number>>;
export type OutcomesByClass = Readonly<Record<ToolEffects, Outcomes>>;
export interface Times {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}
/** What kills at one boundary did to the calls that they could touch. */
export interface BoundaryRow {
  readonly boundary: string;
  readonly killed: Readonly<Record<KillKind, number>>;
  /** How often no process came to the boundary in time. */
  readonly missed: number;
  readonly calls: OutcomesByClass;
}
export interface KindRow {
  readonly kind: KillKind;
  readonly kills: number;
  /** Kill to next durable step. */
  readonly recovery: Times;
  /** Kill to the moment the process serves again. */
  readonly back: Times;
}
/** A recovery that took longer than the others. */
export interface SlowRecovery {
  readonly kill: number;
  readonly kind: KillKind;
  readonly boundary: string;
  readonly runId: string;
  readonly recoveryMs: number;
  readonly backMs: number;
}
/** What a run of the kit found; `report.json` is this. */
export interface Report {
  readonly startedAt: string;
  readonly wallMs: number;
  readonly seed: number;
  readonly killsPlanned: number;
  readonly kills: number;
  readonly cut: string | null;
  readonly isLedgerOff: boolean;
  readonly toolsFile: string | null;
  readonly crashPoints: number;
  readonly boundaries: readonly BoundaryRow[];
  readonly kinds: readonly KindRow[];
  readonly slowest: readonly SlowRecovery[];
  /** What times depend on: the processors, and how much was running on them at the end. */
  readonly machine: { readonly cores: number; readonly load: number };
  /** Every call of the run, struck or not, once. */
  readonly allCalls: OutcomesByClass;
  readonly tools: Readonly<Record<string, Outcomes>>;
  readonly turns: number;
  readonly reconnects: number;
  /** What must not be: each entry names what it is about. */
  readonly failures: Readonly<Record<Failure, readonly string[]>>;
  readonly hasPassed: boolean;
}
export const FAILURES = {
  lostTurns: 'lost turns',
  lostCalls: 'lost calls',
  duplicates: 'duplicate effects',
  untruths: 'untrue outcomes',
  invalidTranscripts: 'invalid transcripts',
  brokenStreams: 'broken streams',
  stuck: 'not recovered in time',
  problems: 'problems of clients',
} as const;
export type Failure = keyof typeof FAILURES;

/** Counts what was seen. A run has passed if nothing was lost, doubled, invalid, broken or untrue. */
export function toReport(evidence: Evidence): Report {
  const { options, startedAt, wallMs, strikes, cut, verdict } = evidence;
  const points = strikes.flatMap((strike) => strike.points);
  const failures = failuresOf(evidence);
  return {
    startedAt: startedAt.toISOString(),
    wallMs,
    seed: options.seed,
    killsPlanned: options.kills,
    kills: strikes.length,
    cut,
    isLedgerOff: options.isLedgerOff,
    toolsFile: options.toolsFile,
    crashPoints: points.filter(({ hit }) => hit !== null).length,
    boundaries: BOUNDARIES.map((boundary) => toRow(boundary, points, verdict.calls)),
    kinds: KILL_KINDS.map((kind) => toKindRow(kind, strikes)),
    slowest: slowestOf(strikes),
    machine: evidence.machine,
    allCalls: outcomesByClass(verdict.calls),
    tools: Object.fromEntries(
      [...new Set(verdict.calls.map(({ tool }) => tool))]
        .sort()
        .map((tool) => [tool, outcomesOf(verdict.calls.filter((call) => call.tool === tool))]),
    ),
    turns: verdict.turns,
    reconnects: verdict.reconnects,
    failures,
    hasPassed: Object.values(failures).every((each) => each.length === 0),
  };
}

function failuresOf({ strikes, verdict, problems }: Evidence): Report['failures'] {
  const named = (outcome: Outcome) =>
    verdict.calls
      .filter((call) => call.outcome === outcome)
      .map(({ key, tool, repeats }) => `${key} (${tool})${repeats > 0 ? `: ${repeats + 1} effects` : ''}`);
  const stuck = strikes.flatMap(({ points }) => points.filter(({ isStuck }) => isStuck).map(stuckText));
  return {
    lostTurns: verdict.lostTurns,
    lostCalls: named('lost'),
    duplicates: named('duplicate'),
    untruths: verdict.untruths,
    invalidTranscripts: verdict.invalidTranscripts,
    brokenStreams: verdict.brokenStreams,
    stuck,
    problems: verdict.turns > 0 ? problems : [...problems, 'no turn came to its end, so nothing was proved'],
  };
}

function toKindRow(kind: KillKind, strikes: readonly Strike[]): KindRow {
  const mine = strikes.filter((strike) => strike.kind === kind);
  const recoveries = mine.flatMap(({ points }) => points.flatMap(({ recoveryMs }) => recoveryMs ?? []));
  return {
    kind,
    kills: mine.length,
    recovery: timesOf(recoveries),
    back: timesOf(mine.map(({ backMs }) => backMs)),
  };
}

const SLOWEST = 10;

const slowestOf = (strikes: readonly Strike[]): readonly SlowRecovery[] =>
  strikes
    .flatMap(({ kill, kind, backMs, points }) =>
      points.flatMap(({ aim, hit, recoveryMs }) =>
        hit && recoveryMs !== null
          ? [
              {
                kill,
                kind,
                boundary: titleOf(aim),
                runId: hit.runId,
                recoveryMs: Math.round(recoveryMs),
                backMs,
              },
            ]
          : [],
      ),
    )
    .sort((one, other) => other.recoveryMs - one.recoveryMs)
    .slice(0, SLOWEST);

const stuckText = ({ kill, kind, lane, hit }: CrashPoint): string =>
  `kill ${kill} (${kind}, lane ${lane}) at ${hit?.boundary ?? 'rest'}: run ${hit?.runId ?? 'none'} stored nothing more`;

function toRow(boundary: Boundary, points: readonly CrashPoint[], calls: readonly JudgedCall[]): BoundaryRow {
  const aimed = points.filter(({ aim }) => aim.name === boundary.name && aim.effects === boundary.effects);
  const reached = aimed.filter(({ isReached }) => isReached);
  const touched = new Set(reached.flatMap((point) => calls.filter((call) => isTouched(call, point))));
  return {
    boundary: titleOf(boundary),
    killed: byKind((kind) => reached.filter((point) => point.kind === kind).length),
    missed: aimed.length - reached.length,
    calls: outcomesByClass([...touched]),
  };
}

/** At the boundary of a tool the call itself; elsewhere every call of the run that was struck. */
function isTouched(call: JudgedCall, { hit, aim }: CrashPoint): boolean {
  if (hit === null) return false;
  if (hit.key !== null) return call.key === hit.key;
  if (call.runId !== hit.runId) return false;
  return aim.effects === null || (call.step === hit.step && call.effects === aim.effects);
}

function outcomesByClass(calls: readonly JudgedCall[]): OutcomesByClass {
  const of = (effects: ToolEffects) => outcomesOf(calls.filter((call) => call.effects === effects));
  return {
    read: of('read'),
    idempotent: of('idempotent'),
    transactional: of('transactional'),
    once: of('once'),
  };
}

function outcomesOf(calls: readonly JudgedCall[]): Outcomes {
  const count = (outcome: Outcome) => calls.filter((call) => call.outcome === outcome).length;
  return Object.fromEntries(OUTCOMES.map((outcome) => [outcome, count(outcome)])) as Outcomes; // every outcome is there
}

const byKind = (count: (kind: KillKind) => number): Readonly<Record<KillKind, number>> =>
  Object.fromEntries(KILL_KINDS.map((kind) => [kind, count(kind)])) as Record<KillKind, number>; // every kind is there

/** Nearest-rank percentiles; zeros without a value. */
export function timesOf(values: readonly number[]): Times {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number) => Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0);
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
}

/** The outcomes that happened, for one cell of a table: "exact 12, unknown 1". */
export const cellOf = (outcomes: Outcomes): string =>
  OUTCOMES.filter((outcome) => outcomes[outcome] > 0)
    .map((outcome) => `${outcome} ${outcomes[outcome]}`)
    .join(', ');

export const hasFailed = ({ duplicate, lost }: Outcomes): boolean => duplicate + lost > 0;
