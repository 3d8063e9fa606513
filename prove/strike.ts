import { setTimeout as sleep } from 'node:timers/promises';
import type { FairQueue } from '../domain/fair-queue';
import type { Pool } from '../db/pool';
import type { Boundary, BoundaryName, Hit, KillKind } from './boundaries';
import type { Coordinator, Waiting } from './coordinator';
import type { Lane } from './lane';
import type { Load } from './load';
import { type Aim, type PlannedKill } from './plan';
import { nextDurableStep, runInProgress, type Recovery } from './recovery';
import type { Services } from './services';

/** What one lane was doing when a kill came, and how it went on. */
export interface CrashPoint {
  readonly kill: number;
  readonly kind: KillKind;
  readonly lane: number;
  readonly aim: Boundary;
  /** False if no process came to the boundary in time: then the kill came at any moment. */
  readonly isReached: boolean;
  readonly hit: Hit | null;
  /** Kill to next durable step; null where nothing was left to do, or nothing was in progress. */
  readonly recoveryMs: number | null;
  /** It stored nothing for as long as the kit waits. */
  readonly isStuck: boolean;
}
/** One `kill -9`. */
export interface Strike {
  readonly kill: number;
  readonly kind: KillKind;
  /** Kill to the moment the process serves again. */
  readonly backMs: number;
  readonly points: readonly CrashPoint[];
}

export interface Battlefield {
  readonly pool: Pool;
  readonly coordinator: Coordinator;
  readonly services: Services;
  readonly lanes: readonly { readonly lane: Lane; readonly load: Load }[];
  /** Starts of processes wait for each other here: a crowd of them would measure the machine. */
  readonly gate: FairQueue;
  /** Everything stops, at once. */
  readonly signal: AbortSignal;
}

const REACH_MS = 8_000;
// The sweeper takes up to 15 s until it starts a run whose API process died.
const STUCK_MS = 45_000;
const RESTART_PAUSE_MS = 100;

/**
 * Kills what the plan says once every lane it hits has come to its boundary, starts it again and waits for the next
 * durable step of each run that was struck, not for the end of its turn.
 */
export async function strike(field: Battlefield, kill: PlannedKill): Promise<Strike> {
  const targets = await Promise.all(kill.aims.map((aim) => ready(field, kill, aim)));
  const { killedAt, backAt } = await field.gate(() =>
    replace(field, kill, () => {
      for (const { waiting } of targets) waiting?.goOn();
    }),
  );
  const points = await Promise.all(
    targets.map(async ({ aim, waiting, hit }): Promise<CrashPoint> => {
      const recovery = hit ? await recoveryOf(field, { kill, aim, hit, killedAt, backAt }) : null;
      return {
        kill: kill.number,
        kind: kill.kind,
        lane: aim.lane,
        aim: aim.boundary,
        isReached: waiting !== null || aim.boundary.name === 'random',
        hit,
        recoveryMs: recovery && 'at' in recovery ? Math.max(0, recovery.at - killedAt) : null,
        isStuck: recovery !== null && 'isStuck' in recovery,
      };
    }),
  );
  return { kill: kill.number, kind: kill.kind, backMs: backAt - killedAt, points };
}

/** One process dies and its successor serves. */
async function replace(
  { services, lanes, signal }: Battlefield,
  { kind, aims }: Pick<PlannedKill, 'kind' | 'aims'>,
  onDeath: () => void,
): Promise<{ killedAt: number; backAt: number }> {
  const lane = laneOf(lanes, aims[0]?.lane ?? 0).lane;
  const killedAt = Date.now();
  if (kind === 'temporal' || kind === 'postgres') await services.kill(kind);
  else await lane.kill(kind);
  onDeath();
  // As a supervisor would: again and again, with a pause.
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    try {
      if (kind === 'temporal' || kind === 'postgres') await services.restart(kind);
      else await lane.restart(kind);
      return { killedAt, backAt: Date.now() };
    } catch (error) {
      if (tries >= 20) throw error;
      await sleep(RESTART_PAUSE_MS);
    }
  }
}

interface Target {
  readonly aim: Aim;
  readonly waiting: Waiting | null;
  readonly hit: Hit | null;
}

/** Waits until a process of the lane is held at the boundary. */
async function ready(field: Battlefield, kill: PlannedKill, aim: Aim): Promise<Target> {
  const { signal } = field;
  signal.throwIfAborted();
  const { lane, boundary } = aim;
  const load = loadOf(field, lane);
  load.hurry();
  if (boundary.name === 'random') {
    await sleep(kill.randomMs, undefined, { signal });
    return { aim, waiting: null, hit: await anyHit(field, lane) };
  }
  if (boundary.after) await loseFirst(field, lane, boundary.after);
  const waiting = await held(field, lane, boundary);
  return { aim, waiting, hit: waiting?.hit ?? (await anyHit(field, lane)) };
}

/** A crash before the crash: what is due after it is what the next kill interrupts. */
async function loseFirst(field: Battlefield, lane: number, boundary: Boundary): Promise<void> {
  const waiting = await held(field, lane, boundary);
  if (!waiting) return;
  const kind = laneOf(field.lanes, lane).lane.isSplit ? 'worker' : 'server';
  await replace(field, { kind, aims: [{ lane, boundary }] }, () => waiting.goOn());
}

/** The first process of the lane that comes to the boundary, held there; clients hurry to make one come. */
async function held(field: Battlefield, lane: number, boundary: Boundary): Promise<Waiting | null> {
  const load = loadOf(field, lane);
  const hurrying = setInterval(() => load.hurry(), 200);
  try {
    return await field.coordinator.nextAt(boundary, lane, REACH_MS);
  } finally {
    clearInterval(hurrying);
  }
}

/** What the lane does right now, at no boundary. */
async function anyHit(field: Battlefield, lane: number): Promise<Hit | null> {
  const ids = loadOf(field, lane).agents.map(({ id }) => id);
  const runId = await runInProgress(field.pool, ids);
  return runId === null ? null : { boundary: 'random', runId, step: 0, effects: null, key: null };
}

const loadOf = ({ lanes }: Battlefield, lane: number): Load => laneOf(lanes, lane).load;

function laneOf<T>(lanes: readonly T[], lane: number): T {
  const found = lanes[lane];
  if (!found) throw new Error(`there is no lane ${lane}`);
  return found;
}

// The worker goes on whatever becomes of the API: what an API's death interrupts is the stream of a client.
const STREAMED: readonly BoundaryName[] = ['client-mid-stream', 'model-mid-stream', 'turn-closed', 'random'];

async function recoveryOf(
  field: Battlefield,
  {
    kill: { kind },
    aim,
    hit,
    killedAt,
    backAt,
  }: {
    readonly kill: PlannedKill;
    readonly aim: Aim;
    readonly hit: Hit;
    readonly killedAt: number;
    readonly backAt: number;
  },
): Promise<Recovery> {
  const load = loadOf(field, aim.lane);
  const deadline = killedAt + STUCK_MS;
  if (kind === 'api' && STREAMED.includes(hit.boundary))
    return nextFrame(field, load, { after: backAt, deadline });
  return nextDurableStep(field.pool, hit.runId, {
    // A process that lost Temporal still stores what it has: only what comes after its return has needed it.
    after: kind === 'temporal' ? backAt : killedAt,
    deadline,
    onWait: () => load.hurry(),
    signal: field.signal,
  });
}

async function nextFrame(
  { signal }: Battlefield,
  load: Load,
  { after, deadline }: { readonly after: number; readonly deadline: number },
): Promise<Recovery> {
  while (Date.now() < deadline) {
    const at = load.lastFrameAt();
    if (at > after) return { at };
    load.hurry();
    await sleep(20, undefined, { signal });
  }
  return { isStuck: true };
}
