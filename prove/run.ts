import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startFakeOpenAI } from '../test/support/fake-openai';
import { createFairQueue } from '../domain/fair-queue';
import { createPool } from '../db/pool';
import { BOUNDARIES, type BoundaryName } from './boundaries';
import { startCoordinator } from './coordinator';
import { startLane } from './lane';
import { createScript, startLoad } from './load';
import { LANES, planKills, type PlannedKill } from './plan';
import { startServices } from './services';
import { strike, type Battlefield, type Strike } from './strike';
import { exampleOf, loadUserTools } from './tools';
import { judge, type Verdict } from './verdict';

export interface ProveOptions {
  readonly kills: number;
  readonly seed: number;
  /** No kill begins later than this after the first one; null sets no limit. */
  readonly minutes: number | null;
  readonly toolsFile: string | null;
  readonly isLedgerOff: boolean;
  /** Kills at this boundary alone. */
  readonly only: BoundaryName | null;
}
/** How the caller ends it early: `windUp` lets turns end and reports, `now` drops everything. */
export interface Stops {
  readonly windUp: AbortSignal;
  readonly now: AbortSignal;
}
/** Everything that was seen. */
export interface Evidence {
  readonly options: ProveOptions;
  readonly startedAt: Date;
  readonly wallMs: number;
  readonly strikes: readonly Strike[];
  /** Why fewer kills were made than planned; null if all were. */
  readonly cut: string | null;
  readonly verdict: Verdict;
  /** What clients and the fake model had to complain of. */
  readonly problems: readonly string[];
  readonly machine: { readonly cores: number; readonly load: number };
}

// What turns under way may take to end when no more kills come.
const WIND_UP_MS = 90_000;

/** Starts a server per lane, load on each and everything they need, carries the plan out, and leaves nothing behind. */
export async function prove(
  options: ProveOptions,
  stops: Stops,
  progress: (line: string) => void,
): Promise<Evidence> {
  const startedAt = new Date();
  const cleanups: (() => unknown)[] = [];
  try {
    progress('starting Postgres, Temporal, a fake model and the servers');
    const field = await prepare(options, stops.now, cleanups);
    const { strikes, cut } = await carryOut(options, field, stops, progress);
    progress(`${strikes.length} kills; letting the turns under way end`);
    await field.finish();
    stops.now.throwIfAborted();
    progress('judging every call, transcript and stream');
    const loads = field.lanes.map(({ load }) => load);
    const turns = loads.flatMap((load) => load.turns);
    const agents = loads.flatMap((load) => load.agents);
    const verdict = await judge({ pool: field.pool, agents, turns, effects: field.coordinator.effects });
    const problems = [...loads.flatMap((load) => load.problems), ...field.modelProblems];
    const machine = { cores: os.availableParallelism(), load: os.loadavg()[0] ?? 0 };
    const wallMs = Date.now() - startedAt.getTime();
    return { options, startedAt, wallMs, strikes, cut, verdict, problems, machine };
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

interface Prepared extends Battlefield {
  readonly modelProblems: readonly string[];
  /** No more turns; those under way end. */
  finish(): Promise<void>;
}

async function prepare(
  options: ProveOptions,
  signal: AbortSignal,
  cleanups: (() => unknown)[],
): Promise<Prepared> {
  const { toolsFile, isLedgerOff } = options;
  const tools = toolsFile === null ? [] : await loadUserTools(toolsFile);
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-prove-'));
  cleanups.push(() => fs.rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  const coordinator = await startCoordinator();
  cleanups.push(() => coordinator.close());
  const script = createScript(tools.map((tool) => ({ name: tool.name, arguments: exampleOf(tool) })));
  const model = await startFakeOpenAI({ script, record: false });
  cleanups.push(() => model.close());
  const services = await startServices(home, signal);
  cleanups.push(() => services.stop());
  const pool = createPool(services.databaseUrl, { max: 8, onError: () => undefined });
  cleanups.push(() => pool.end());
  const ending = new AbortController();
  const setup = { coordinatorUrl: coordinator.url, isLedgerOff, toolsFile };
  const userToolNames = tools.map(({ name }) => name);
  const started = await Promise.allSettled(
    LANES.map(async ({ isSplit }, number) => {
      const lane = await startLane({ number, isSplit, home, services, modelUrl: model.url, setup });
      cleanups.push(() => lane.stop());
      return lane;
    }),
  );
  for (const each of started) if (each.status === 'rejected') throw each.reason;
  const over = AbortSignal.any([signal, ending.signal]);
  const lanes = started.flatMap((each) => {
    if (each.status === 'rejected') return [];
    const lane = each.value;
    const load = startLoad({ lane: lane.number, url: lane.url, coordinator, userToolNames, signal: over });
    return [{ lane, load }];
  });
  const finish = async () => {
    await Promise.all(lanes.map(({ load }) => load.finish(Date.now() + WIND_UP_MS)));
  };
  cleanups.push(async () => {
    ending.abort();
    await finish();
  });
  const gate = createFairQueue(os.availableParallelism());
  return { pool, coordinator, services, lanes, gate, signal, modelProblems: model.problems, finish };
}

async function carryOut(
  { kills, seed, minutes, only }: ProveOptions,
  field: Battlefield,
  { windUp, now }: Stops,
  progress: (line: string) => void,
): Promise<Pick<Evidence, 'strikes' | 'cut'>> {
  const boundaries = BOUNDARIES.filter(({ name }) => only === null || name === only);
  const strikes: Strike[] = [];
  const stopAt = minutes === null ? Infinity : Date.now() + minutes * 60_000;
  const isOver = () => windUp.aborted || Date.now() > stopAt;
  const carry = async (mine: readonly PlannedKill[]) => {
    for (const kill of mine) {
      if (isOver()) return;
      const done = await strike(field, kill);
      strikes.push(done);
      progress(`${strikes.length} of ${kills} kills; ${nameOf(done)}`);
    }
  };
  for (const { ofLanes, ofServices } of planKills({ kills, seed, boundaries })) {
    if (isOver()) break;
    const results = await Promise.allSettled(ofLanes.map(carry));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    await carry(ofServices);
  }
  now.throwIfAborted();
  if (strikes.length === kills) return { strikes, cut: null };
  return { strikes, cut: windUp.aborted ? 'it was stopped' : `--minutes ${minutes} had passed` };
}

function nameOf({ kind, backMs, points }: Strike): string {
  const [point] = points;
  const recovery = point?.recoveryMs == null ? '' : `, went on after ${Math.round(point.recoveryMs)} ms`;
  return `${kind} at ${point?.hit?.boundary ?? 'rest'}: back after ${backMs} ms${recovery}`;
}
