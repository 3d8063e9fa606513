/** A hit in the fused order: the sum over rankings of 1 / (k + rank), and its rank in each of them from 1, or null. */
export interface FusedHit {
  readonly id: string;
  readonly score: number;
  readonly ranks: readonly (number | null)[];
}

const K = 60;

/** Reciprocal rank fusion: what several rankings put in front comes first. Equal scores keep the first ranking's order. */
export function fuseRanks(rankings: readonly (readonly string[])[]): readonly FusedHit[] {
  const places = rankings.map((ids) => new Map(ids.map((id, index) => [id, index + 1])));
  const ids = [...new Set(rankings.flat())];
  return ids
    .map((id) => {
      const ranks = places.map((place) => place.get(id) ?? null);
      const score = ranks.reduce<number>((sum, rank) => sum + (rank === null ? 0 : 1 / (K + rank)), 0);
      return { id, score, ranks };
    })
    .sort((a, b) => b.score - a.score);
}
