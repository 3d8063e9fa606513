/** Ids, best first. Only the first `counted` add to a score; those after them come last, in their order. */
export interface Ranking {
  readonly ids: readonly string[];
  readonly counted: number;
}

/** A hit in the fused order: the sum over rankings of 1 / (k + rank), and its rank in each of them from 1, or null. */
export interface FusedHit {
  readonly id: string;
  readonly score: number;
  readonly ranks: readonly (number | null)[];
}

const K = 60;

/** Reciprocal rank fusion: what several rankings put in front comes first. Equal scores keep the first ranking's order. */
export function fuseRanks(rankings: readonly Ranking[]): readonly FusedHit[] {
  const places = rankings.map(({ ids, counted }) => ({
    rankOf: new Map(ids.map((id, index) => [id, index + 1])),
    counted,
  }));
  const ids = [...new Set(rankings.flatMap((ranking) => ranking.ids))];
  return ids
    .map((id) => {
      const ranks = places.map(({ rankOf }) => rankOf.get(id) ?? null);
      const score = places.reduce((sum, { rankOf, counted }) => {
        const rank = rankOf.get(id) ?? Number.POSITIVE_INFINITY;
        return rank <= counted ? sum + 1 / (K + rank) : sum;
      }, 0);
      return { id, score, ranks };
    })
    .sort((a, b) => b.score - a.score);
}

// Of three words, one that matches two still counts.
const STRONG = 2 / 3;

/**
 * A ranking by words, of which only those count that match nearly as well as the best. Matches of a word that is everywhere
 * would otherwise lift whatever else is near, over the one text that has the rare word.
 */
export const strongMatches = (
  matches: readonly { readonly id: string; readonly score: number }[],
): Ranking => {
  const least = STRONG * (matches[0]?.score ?? 0);
  const weak = matches.findIndex(({ score }) => score < least - Number.EPSILON);
  return { ids: matches.map(({ id }) => id), counted: weak === -1 ? matches.length : weak };
};
