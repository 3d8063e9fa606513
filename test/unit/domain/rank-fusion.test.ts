import { fuseRanks, strongMatches } from '../../../domain/rank-fusion';

const whole = (...ids: readonly string[]) => ({ ids, counted: ids.length });

it('adds 1 / (60 + rank) over all rankings and keeps the ranks', () => {
  expect(fuseRanks([whole('a', 'b'), whole('b', 'c')])).toEqual([
    { id: 'b', score: 1 / 62 + 1 / 61, ranks: [2, 1] },
    { id: 'a', score: 1 / 61, ranks: [1, null] },
    { id: 'c', score: 1 / 62, ranks: [null, 2] },
  ]);
});

it('keeps the order of a single ranking, and of the first among equals', () => {
  expect(fuseRanks([whole('c', 'a', 'b')]).map(({ id }) => id)).toEqual(['c', 'a', 'b']);
  expect(fuseRanks([whole('x'), whole('y')]).map(({ id }) => id)).toEqual(['x', 'y']);
  expect(fuseRanks([])).toEqual([]);
});

it('lets what does not count lift nothing, and puts it last', () => {
  const fused = fuseRanks([{ ids: ['rare', 'weak', 'weaker'], counted: 1 }, whole('weak', 'far')]);

  expect(fused).toEqual([
    { id: 'rare', score: 1 / 61, ranks: [1, null] },
    { id: 'weak', score: 1 / 61, ranks: [2, 1] },
    { id: 'far', score: 1 / 62, ranks: [null, 2] },
    { id: 'weaker', score: 0, ranks: [3, null] },
  ]);
});

it('counts matches that are nearly as good as the best', () => {
  const matches = [0.9, 0.6, 0.59, 0.3].map((score, n) => ({ id: String(n), score }));

  expect(strongMatches(matches)).toEqual({ ids: ['0', '1', '2', '3'], counted: 2 });
  expect(strongMatches(matches.slice(0, 2)).counted).toBe(2);
  expect(strongMatches([])).toEqual({ ids: [], counted: 0 });
});
