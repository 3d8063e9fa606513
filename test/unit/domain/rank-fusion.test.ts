import { fuseRanks } from '../../../domain/rank-fusion';

it('adds 1 / (60 + rank) over all rankings and keeps the ranks', () => {
  expect(fuseRanks([['a', 'b'], ['b', 'c']])).toEqual([
    { id: 'b', score: 1 / 62 + 1 / 61, ranks: [2, 1] },
    { id: 'a', score: 1 / 61, ranks: [1, null] },
    { id: 'c', score: 1 / 62, ranks: [null, 2] },
  ]); // prettier-ignore
});

it('keeps the order of a single ranking, and of the first among equals', () => {
  expect(fuseRanks([['c', 'a', 'b']]).map(({ id }) => id)).toEqual(['c', 'a', 'b']);
  expect(fuseRanks([['x'], ['y']]).map(({ id }) => id)).toEqual(['x', 'y']);
  expect(fuseRanks([])).toEqual([]);
});
