import { storable } from '../json';

// Longer queries gain nothing, and a query of a megabyte would cost seconds.
const LONGEST_QUERY = 2_000;

/** A query as the database's `search_query` may read it: everything in it is plain text. Null when nothing is left. */
export function searchText(text: string | null): string | null {
  const cut = text === null ? '' : storable(text.slice(0, LONGEST_QUERY)).trim();
  return cut === '' ? null : cut;
}
