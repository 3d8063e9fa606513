/** What one way to search found. */
export interface Ranking {
  /** Best first. */
  readonly ids: readonly string[];
  /** Ranks of the first of them, from 1, that add to a score; those after them come last, in their order. */
  readonly ranks: readonly number[];
  /** How much it says beside other rankings. */
  readonly weight: number;
}

/** A hit in the fused order: the sum over rankings of weight / (k + rank), and its place in each of them from 1, or null. */
export interface FusedHit {
  readonly id: string;
  readonly score: number;
  readonly ranks: readonly (number | null)[];
}

const K = 60;

/**
 * Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): what several rankings put in front comes first. Equal scores
 * keep the first ranking's order.
 */
export function fuseRanks(rankings: readonly Ranking[]): readonly FusedHit[] {
  const places = rankings.map(({ ids }) => new Map(ids.map((id, index) => [id, index])));
  const ids = [...new Set(rankings.flatMap((ranking) => ranking.ids))];
  return ids
    .map((id) => {
      const at = places.map((place) => place.get(id));
      const score = rankings.reduce((sum, { ranks, weight }, which) => {
        const rank = ranks[at[which] ?? Number.POSITIVE_INFINITY];
        return rank === undefined ? sum : sum + weight / (K + rank);
      }, 0);
      return { id, score, ranks: at.map((place) => (place === undefined ? null : place + 1)) };
    })
    .sort((a, b) => b.score - a.score);
}

/** Hits in their order, each with a rank of its own. */
export const inOrder = (ids: readonly string[]): Ranking => ({
  ids,
  ranks: ids.map((_id, index) => index + 1),
  weight: 1,
});

// Of four words, one that matches three still counts; of three, one that matches two does not.
const STRONG = 3 / 4;
// A word that is in the text is better evidence than nearness, of which there is always some.
const WORDS_WEIGHT = 1.2;

/**
 * A ranking by words, of which only those count that match nearly as well as the best: matches of a word that is everywhere
 * would otherwise lift whatever else is near over the one text that has the rare word. Equal matches share their mean rank,
 * so that their order, which means nothing, adds nothing.
 */
export function strongMatches(matches: readonly { readonly id: string; readonly score: number }[]): Ranking {
  const least = STRONG * (matches[0]?.score ?? 0);
  const strong = matches.filter(({ score }) => score >= least - Number.EPSILON);
  const ranks: number[] = [];
  while (ranks.length < strong.length) {
    const before = ranks.length;
    const equals = strong.filter(({ score }) => score === strong[before]?.score).length;
    ranks.push(...Array.from({ length: equals }, () => before + (equals + 1) / 2));
  }
  return { ids: matches.map(({ id }) => id), ranks, weight: WORDS_WEIGHT };
}
