import { BOUNDARIES, killableAt, titleOf } from '../../../prove/boundaries';
import { LANES, planKills, type PlannedKill } from '../../../prove/plan';

const killsOf = (seed: number, kills: number): readonly PlannedKill[] =>
  planKills({ kills, seed })
    .flatMap(({ ofLanes, ofServices }) => [...ofLanes.flat(), ...ofServices])
    .sort((one, other) => one.number - other.number);

it('the same seed makes the same plan, and another seed another one', () => {
  expect(planKills({ kills: 60, seed: 7 })).toEqual(planKills({ kills: 60, seed: 7 }));
  expect(planKills({ kills: 60, seed: 8 })).not.toEqual(planKills({ kills: 60, seed: 7 }));
});

it.each([1, 15, 16, 17, 100, 1000])(
  '%i kills are planned as %i kills, each with a number of its own',
  (kills) => {
    expect(killsOf(1, kills).map(({ number }) => number)).toEqual(
      Array.from({ length: kills }, (_, at) => at),
    );
  },
);

it('every boundary meets everything that can be killed there within 110 kills', () => {
  const wanted = BOUNDARIES.flatMap((boundary) =>
    killableAt(boundary).map((kind) => `${kind} at ${titleOf(boundary)}`),
  );

  const met = new Set(
    killsOf(3, 110).flatMap(({ kind, aims }) =>
      aims.map(({ boundary }) => `${kind} at ${titleOf(boundary)}`),
    ),
  );

  expect(wanted.filter((each) => !met.has(each))).toEqual([]);
});

it('a kill of a lane goes to a lane that has such a process, and a kill of a service has an aim in every lane', () => {
  for (const { kind, aims } of killsOf(5, 200)) {
    const lanes = aims.map(({ lane }) => lane);
    if (kind === 'temporal' || kind === 'postgres') {
      expect(lanes).toEqual(LANES.map((_, lane) => lane));
    } else {
      expect(lanes).toHaveLength(1);
      expect(LANES[lanes[0]!]!.isSplit).toBe(kind !== 'server');
    }
  }
});

it('an API process is killed only where it holds something', () => {
  const places = killsOf(2, 300).filter(({ kind }) => kind === 'api');

  const names = new Set(places.map(({ aims }) => aims[0]!.boundary.name));

  expect([...names].sort()).toEqual([
    'api-run-minted',
    'api-run-started',
    'client-mid-stream',
    'model-mid-stream',
    'random',
    'turn-closed',
  ]);
});
