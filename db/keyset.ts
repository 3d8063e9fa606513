import { AppError } from '../domain/errors';
import type { Queryable } from './pool';

/** A page of a list that is sorted by one column and the id. Cursors are ids of rows of the same list. */
export interface Page {
  readonly after: string | undefined;
  readonly before: string | undefined;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
}

export interface KeysetQuery {
  /** Whole table name, also the alias under which `select` and `where` name it. Never user input. */
  readonly table: string;
  /** The column that tells rows apart and that cursors name; `id` if not given. Never user input. */
  readonly id?: string;
  readonly select: string;
  readonly where: readonly string[];
  readonly values: readonly unknown[];
  /** SQL expression over `t`, the row being placed. Never user input. */
  readonly sortBy: (t: string) => string;
  readonly page: Page;
}

/**
 * The rows of one page, in the page's order. With `before` alone these are the rows next to the cursor, so that
 * paging backwards leaves no gap. A cursor that names no row is NOT_FOUND, or counts for none in lists of what clients
 * delete.
 */
export async function selectPage<Row>(db: Queryable, query: KeysetQuery): Promise<readonly Row[]> {
  const { table, sortBy, id = 'id' } = query;
  const page = await withoutDeleted(db, { table, id }, query.page);
  const values = [...query.values];
  const where = [...query.where];
  const key = (t: string) => `(${sortBy(t)}, ${t}.${id})`;
  for (const side of ['after', 'before'] as const) {
    const cursor = page[side];
    if (cursor === undefined) continue;
    values.push(cursor);
    const isBeyond = (side === 'after') === (page.order === 'asc');
    where.push(
      `${key(table)} ${isBeyond ? '>' : '<'} (select ${sortBy('c')}, c.${id} from ${table} c where c.${id} = $${values.length})`,
    );
  }
  const isBackwards = page.before !== undefined && page.after === undefined;
  const direction = isBackwards ? opposite(page.order) : page.order;
  values.push(page.limit);
  const { rows } = await db.query(
    `${query.select}
      where ${allOf(where)}
      order by ${sortBy(table)} ${direction}, ${table}.${id} ${direction}
      limit $${values.length}`,
    values,
  );
  return (isBackwards ? rows.reverse() : rows) as Row[];
}

// What a client may delete while it goes through the list: its loop goes on with the rest.
const DELETABLE = [
  'agents',
  'archives',
  'blocks',
  'conversations',
  'file_passages',
  'files',
  'folders',
  'groups',
  'identities',
  'passages',
  'providers',
  'tools',
];

async function withoutDeleted(
  db: Queryable,
  { table, id }: { readonly table: string; readonly id: string },
  page: Page,
): Promise<Page> {
  const exists = async (cursor: string | undefined): Promise<boolean> => {
    if (cursor === undefined) return true;
    const { rowCount } = await db.query(`select 1 from ${table} where ${id} = $1`, [cursor]);
    if (rowCount === 1 || DELETABLE.includes(table)) return rowCount === 1;
    throw new AppError(
      'NOT_FOUND',
      `No row with ${id} '${cursor}' to page from. Start again without 'after' and 'before'.`,
    );
  };
  const hasAfter = await exists(page.after);
  const hasBefore = await exists(page.before);
  return {
    ...page,
    after: hasAfter ? page.after : undefined,
    before: hasBefore ? page.before : undefined,
  };
}

const opposite = (order: 'asc' | 'desc') => (order === 'asc' ? 'desc' : 'asc');

/** `text` for the right side of LIKE, where % and _ mean themselves. */
export const likePattern = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`;

/** Conditions of a query, all of which a row must meet, and their parameters. */
export interface Conditions {
  readonly where: string[];
  readonly values: unknown[];
  /** `add('name = ?', name)` numbers the placeholder. The text is never user input. */
  add(sql: string, ...values: readonly unknown[]): void;
}

/** No condition yet: every row meets them. */
export function createConditions(): Conditions {
  const where: string[] = [];
  const values: unknown[] = [];
  return {
    where,
    values,
    add(sql, ...added) {
      let index = values.length;
      where.push(sql.replace(/\?/g, () => `$${++index}`));
      values.push(...added);
    },
  };
}

/** The conditions as the text behind `where`. */
export const allOf = (where: readonly string[]): string =>
  where.length === 0 ? 'true' : where.join(' and ');
