import type { PassageSearch, SearchMode } from '../../domain/search';
import type { Question } from './facts';

/** How often the answer was among the first hits of one way to search, and the milliseconds that ten hits took. */
export interface Measured {
  readonly at5: number;
  readonly at10: number;
  readonly p50: number;
  readonly p95: number;
}

/**
 * Asks all questions in one mode, ten hits each, after one that is not counted. `answers` are the ids of the passages that
 * answer them. Throws if a search did not use the mode: its figures would be those of another.
 */
export async function measure(
  search: PassageSearch,
  mode: SearchMode,
  {
    archiveId,
    questions,
    ids,
  }: { readonly archiveId: string; readonly questions: readonly Question[]; readonly ids: readonly string[] },
): Promise<Measured> {
  const query = (text: string) =>
    search.search({ archiveIds: [archiveId], text, mode, tags: [], tagMatch: 'any', from: null, to: null, limit: 10 }); // prettier-ignore
  await query(questions[0]?.text ?? '');
  const times: number[] = [];
  const places: number[] = [];
  for (const { text, answer } of questions) {
    const began = performance.now();
    const found = await query(text);
    times.push(performance.now() - began);
    if (found.mode !== mode) throw new Error(`searched by ${found.mode}, not ${mode}: ${found.reason}`);
    const place = found.hits.findIndex(({ passage }) => passage.id === ids[answer]);
    places.push(place === -1 ? Number.POSITIVE_INFINITY : place + 1);
  }
  times.sort((a, b) => a - b);
  return {
    at5: places.filter((place) => place <= 5).length / places.length,
    at10: places.filter((place) => place <= 10).length / places.length,
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
  };
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
