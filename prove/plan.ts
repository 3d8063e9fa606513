import os from 'node:os';
import { BOUNDARIES, KILL_KINDS, killableAt, type Boundary, type KillKind } from './boundaries';
import { seededRandom, shuffled } from './random';

/** A lane and the boundary at which it is to be when the kill comes. */
export interface Aim {
  readonly lane: number;
  readonly boundary: Boundary;
}
/** One `kill -9`. A kill of a service hits all lanes, so it has an aim in each. */
export interface PlannedKill {
  readonly number: number;
  readonly kind: KillKind;
  readonly aims: readonly Aim[];
  /** When a kill at no boundary comes, after the lane was ready for it. */
  readonly randomMs: number;
}
/** Kills of lanes run side by side; those of the services they share follow one by one. */
export interface Round {
  readonly ofLanes: readonly (readonly PlannedKill[])[];
  readonly ofServices: readonly PlannedKill[];
}

const PAIRS = os.availableParallelism() >= 4 ? 2 : 1;

/**
 * Which lanes run API and worker in two processes; the others run them in one. Four on four cores, else two: on fewer cores
 * a process that starts would compete with the load of three other servers, and recovery would measure that.
 */
export const LANES: readonly { readonly isSplit: boolean }[] = Array.from({ length: 2 * PAIRS }, (_, at) => ({
  isSplit: at % 2 === 0,
}));
const ROUND = 16;
const RANDOM_MS = 1_200;

export const isOfService = (kind: KillKind): boolean => kind === 'temporal' || kind === 'postgres';

/** The kills of a seed, in rounds. Every boundary meets every kind of kill once before any meets it again. */
export function planKills({
  kills,
  seed,
  boundaries = BOUNDARIES,
}: {
  readonly kills: number;
  readonly seed: number;
  readonly boundaries?: readonly Boundary[];
}): readonly Round[] {
  const random = seededRandom(seed);
  const drawn: Drawn[] = [];
  while (drawn.length < kills) drawn.push(...deckOf(boundaries, random));
  const rounds: Round[] = [];
  for (let at = 0; at < kills; at += ROUND) {
    rounds.push(toRound(drawn.slice(at, Math.min(at + ROUND, kills)), at, random));
  }
  return rounds;
}

interface Drawn {
  readonly kind: KillKind;
  readonly boundaries: readonly Boundary[];
}

/** Every boundary with everything that can be killed there, spread evenly by kind. */
function deckOf(boundaries: readonly Boundary[], random: () => number): readonly Drawn[] {
  const placed = KILL_KINDS.flatMap((kind) => {
    const mine = shuffled(
      boundaries.filter((boundary) => killableAt(boundary).includes(kind)),
      random,
    );
    const size = isOfService(kind) ? LANES.length : 1;
    const count = Math.ceil(mine.length / size);
    return Array.from({ length: count }, (_, at) => ({
      kind,
      boundaries: mine.slice(at * size, (at + 1) * size),
      place: (at + random()) / count,
    }));
  });
  return placed.sort((one, other) => one.place - other.place);
}

function toRound(drawn: readonly Drawn[], first: number, random: () => number): Round {
  const ofLanes: PlannedKill[][] = LANES.map(() => []);
  const ofServices: PlannedKill[] = [];
  for (const [at, { kind, boundaries }] of drawn.entries()) {
    const facts = { number: first + at, kind, randomMs: Math.round(random() * RANDOM_MS) };
    if (isOfService(kind)) {
      const aims = LANES.map((_, lane) => ({ lane, boundary: aimOf(boundaries, lane) }));
      ofServices.push({ ...facts, aims });
      continue;
    }
    const lane = idlest(ofLanes, (number) => LANES[number]?.isSplit === (kind !== 'server'));
    ofLanes[lane]?.push({ ...facts, aims: boundaries.map((boundary) => ({ lane, boundary })) });
  }
  return { ofLanes, ofServices };
}

// A deck's last kill of a service may have fewer boundaries than there are lanes: the others are hit at any moment.
const aimOf = (boundaries: readonly Boundary[], lane: number): Boundary =>
  boundaries[lane] ?? { name: 'random', effects: null };

function idlest(ofLanes: readonly (readonly unknown[])[], isFit: (lane: number) => boolean): number {
  const fit = [...ofLanes.keys()].filter(isFit);
  return fit.reduce((best, lane) =>
    (ofLanes[lane]?.length ?? 0) < (ofLanes[best]?.length ?? 0) ? lane : best,
  );
}
