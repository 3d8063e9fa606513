import type { PassageQuery } from '../../domain/search';
import { type Conditions, createConditions } from '../keyset';

/** The filters of a search as SQL over `passages`. */
export function passageConditions(query: Omit<PassageQuery, 'text' | 'limit'>): Conditions {
  const conditions = createConditions();
  if (query.archiveIds) conditions.add('passages.archive_id = any(?)', query.archiveIds);
  if (query.tags.length > 0) {
    // `&&`: one in common; `@>`: all of them.
    conditions.add(`passages.tags ${query.tagMatch === 'any' ? '&&' : '@>'} ?::text[]`, query.tags);
  }
  if (query.from) conditions.add('passages.created_at >= ?', query.from);
  if (query.to) conditions.add('passages.created_at <= ?', query.to);
  return conditions;
}

/** Whether anything but the archives narrows the search. */
export const isFiltered = ({ tags, from, to }: PassageQuery): boolean =>
  tags.length > 0 || from !== null || to !== null;
