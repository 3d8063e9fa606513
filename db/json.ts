// Postgres stores neither NUL characters nor lone surrogates. Model and tool output may hold both.
const UNSTORABLE = /\u0000|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** `text` with every character that Postgres cannot store replaced by U+FFFD. */
export const storable = (text: string): string => text.replace(UNSTORABLE, '\ufffd');

/** Whether Postgres can store `text` as it is. */
export const isStorable = (text: string): boolean => text.search(UNSTORABLE) === -1;

/** JSON for a jsonb parameter; unstorable characters in any string value or key are replaced by U+FFFD. */
export const toJsonb = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) => (typeof item === 'string' ? storable(item) : item));
