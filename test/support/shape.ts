/**
 * The structure of a JSON value: keys with the types of their values. Two answers of one shape can be read by the same
 * client. A list has the shape of its first item.
 */
export function shapeOf(value: unknown): unknown {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'list' : [shapeOf(value[0])];
  if (typeof value !== 'object') return typeof value;
  const entries = Object.entries(value).map(([key, item]) => [key, shapeOf(item)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}
