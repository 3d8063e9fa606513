import type { PassageSearch } from '../../domain/search';
import type { Question } from './facts';

/** How often the answer was among the first hits, for one way to rank. */
export interface Recall {
  readonly at5: number;
  readonly at10: number;
}
export interface Measured {
  readonly text: Recall;
  readonly vector: Recall;
  readonly hybrid: Recall;
  readonly p50: number;
  readonly p95: number;
}

// As deep as the two rankings go, so that both places of an answer are seen.
const DEPTH = 200;

/** Asks all questions, then once more for the time that ten hits take. `ids` are the passages in the order of the facts. */
export async function measure(
  search: PassageSearch,
  archiveId: string,
  { questions, ids }: { readonly questions: readonly Question[]; readonly ids: readonly string[] },
): Promise<Measured> {
  const query = (text: string, limit: number) =>
    search.search({
      archiveIds: [archiveId],
      text,
      mode: 'hybrid',
      tags: [],
      tagMatch: 'any',
      from: null,
      to: null,
      limit,
    });
  const places: { readonly text: number; readonly vector: number; readonly hybrid: number }[] = [];
  for (const { text, answer } of questions) {
    const { hits } = await query(text, DEPTH);
    const place = hits.findIndex(({ passage }) => passage.id === ids[answer]);
    const hit = hits[place];
    places.push({
      text: hit?.textRank ?? Number.POSITIVE_INFINITY,
      vector: hit?.vectorRank ?? Number.POSITIVE_INFINITY,
      hybrid: place === -1 ? Number.POSITIVE_INFINITY : place + 1,
    });
  }
  const times: number[] = [];
  for (const { text } of questions) {
    const began = performance.now();
    await query(text, 10);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const recall = (way: 'text' | 'vector' | 'hybrid'): Recall => ({
    at5: shareOf(places, (place) => place[way] <= 5),
    at10: shareOf(places, (place) => place[way] <= 10),
  });
  return {
    text: recall('text'),
    vector: recall('vector'),
    hybrid: recall('hybrid'),
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
  };
}

const shareOf = <T>(items: readonly T[], test: (item: T) => boolean): number =>
  items.filter(test).length / items.length;

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
