import { fuseRanks, inOrder, strongMatches } from '../../../domain/rank-fusion';

it('adds 1 / (60 + rank) over all rankings and keeps the places', () => {
  expect(fuseRanks([inOrder(['a', 'b']), inOrder(['b', 'c'])])).toEqual([
    { id: 'b', score: 1 / 62 + 1 / 61, ranks: [2, 1] },
    { id: 'a', score: 1 / 61, ranks: [1, null] },
    { id: 'c', score: 1 / 62, ranks: [null, 2] },
  ]);
});

it('lets a ranking say more than another', () => {
  const fused = fuseRanks([{ ...inOrder(['word']), weight: 2 }, inOrder(['near'])]);

  expect(fused).toEqual([
    { id: 'word', score: 2 / 61, ranks: [1, null] },
    { id: 'near', score: 1 / 61, ranks: [null, 1] },
  ]);
});

it('keeps the order of a single ranking, and of the first among equals', () => {
  expect(fuseRanks([inOrder(['c', 'a', 'b'])]).map(({ id }) => id)).toEqual(['c', 'a', 'b']);
  expect(fuseRanks([inOrder(['x']), inOrder(['y'])]).map(({ id }) => id)).toEqual(['x', 'y']);
  expect(fuseRanks([])).toEqual([]);
});

it('lets what does not count lift nothing, and puts it last', () => {
  const words = { ids: ['rare', 'weak', 'weaker'], ranks: [1], weight: 1 };

  expect(fuseRanks([words, inOrder(['weak', 'far'])])).toEqual([
    { id: 'rare', score: 1 / 61, ranks: [1, null] },
    { id: 'weak', score: 1 / 61, ranks: [2, 1] },
    { id: 'far', score: 1 / 62, ranks: [null, 2] },
    { id: 'weaker', score: 0, ranks: [3, null] },
  ]);
});

const matches = (...scores: readonly number[]) => scores.map((score, n) => ({ id: String(n), score }));

it('counts matches that are nearly as good as the best, a little more than nearness', () => {
  expect(strongMatches(matches(0.8, 0.6, 0.59, 0.3))).toEqual({
    ids: ['0', '1', '2', '3'],
    ranks: [1, 2],
    weight: 1.2,
  });
  expect(strongMatches([])).toEqual({ ids: [], ranks: [], weight: 1.2 });
});

it('gives equal matches the rank in their middle', () => {
  expect(strongMatches(matches(1, 0.9, 0.9, 0.9, 0.8, 0.8)).ranks).toEqual([1, 3, 3, 3, 5.5, 5.5]);
});

it('finds the one text with every word, however many are near and share some of them', () => {
  const near = Array.from({ length: 50 }, (_, n) => `near-${n}`);
  const words = strongMatches([
    { id: 'answer', score: 0.0128 },
    ...near.map((id) => ({ id, score: 0.0088 })),
  ]);

  expect(fuseRanks([words, inOrder(near)])[0]?.id).toBe('answer');
});
