import { toJsonb } from './json';

/** How fields of a domain type are stored: column name, and whether the value is written as jsonb. */
export type Columns<Fields> = {
  readonly [K in keyof Fields]-?: readonly [column: string, kind?: 'jsonb'];
};

/** `insert` text and parameters for one row. The names come from `columns`, never from the caller. */
export function insertRow<Fields extends object>(
  table: string,
  columns: Columns<Fields>,
  row: Fields & { readonly id: string },
): { readonly text: string; readonly values: unknown[] } {
  const { names, values } = assignments(columns, row);
  const all = ['id', ...names];
  const holders = all.map((_, index) => `$${index + 1}`);
  return {
    text: `insert into ${table} (${all.join(', ')}) values (${holders.join(', ')})`,
    values: [row.id, ...values],
  };
}

/** The `set` list of an update and its parameters, numbered from `$first`. Absent fields keep their value. */
export function updateSet<Fields extends object>(
  columns: Columns<Fields>,
  patch: Partial<Fields>,
  first: number,
): { readonly set: string; readonly values: unknown[] } {
  const { names, values } = assignments(columns, patch);
  return { set: names.map((name, index) => `${name} = $${first + index}`).join(', '), values };
}

function assignments<Fields extends object>(columns: Columns<Fields>, fields: Partial<Fields>) {
  const names: string[] = [];
  const values: unknown[] = [];
  for (const key of Object.keys(columns) as (keyof Fields)[]) {
    const value: unknown = fields[key];
    if (value === undefined) continue;
    const [column, kind] = columns[key];
    names.push(`"${column}"`);
    values.push(kind === 'jsonb' && value !== null ? toJsonb(value) : value);
  }
  return { names, values };
}
