import type { Passage } from './archive';

/** How hits are found: by their words, by the nearness of their vectors, or by both. */
export type SearchMode = 'hybrid' | 'text' | 'vector';

/** What a search of passages looks for. Filters narrow, `text` ranks. */
export interface PassageQuery {
  /** The archives to look into; null means all. */
  readonly archiveIds: readonly string[] | null;
  /** Null lists what the filters leave, newest first. */
  readonly text: string | null;
  readonly tags: readonly string[];
  readonly tagMatch: 'any' | 'all';
  readonly from: Date | null;
  readonly to: Date | null;
  readonly limit: number;
}

export interface PassageHit {
  readonly passage: Passage;
  readonly score: number;
  /** Places in the two rankings, from 1; null where it has none. */
  readonly textRank: number | null;
  readonly vectorRank: number | null;
}

export interface PassageHits {
  readonly hits: readonly PassageHit[];
  /** What was used. */
  readonly mode: SearchMode;
  /** Why vectors were left out. */
  readonly reason: string | null;
}

/** Search over stored passages, by text and by vectors where there are any. */
export interface PassageSearch {
  search(query: PassageQuery): Promise<PassageHits>;
}
