const KIND = Symbol('python kind');

/** A Python value that JSON has no form for: a tuple, or an expression whose text is already Python. */
type PythonOnly =
  | { readonly [KIND]: 'tuple'; readonly items: readonly unknown[] }
  | { readonly [KIND]: 'expression'; readonly text: string };

/** Marks `items` as a tuple, shown as `('body', 'messages')` and `('body',)`. */
export const pythonTuple = (...items: readonly unknown[]): PythonOnly => ({ [KIND]: 'tuple', items });

/** Marks `text` as Python source that is shown as it is, for example `ValueError('bad')`. */
export const pythonExpression = (text: string): PythonOnly => ({ [KIND]: 'expression', text });

/**
 * The text Python's `repr()` gives for a JSON-like value: Letta shows dict results of tools and validation details
 * this way. Keys whose value is undefined are left out; elsewhere what JSON has no form for is `None`.
 */
export function toPythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return reprNumber(value);
  if (typeof value === 'string') return reprString(value);
  if (Array.isArray(value)) return `[${value.map(toPythonRepr).join(', ')}]`;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object') return 'None';
  if (isPythonOnly(value)) return reprPythonOnly(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries.map(([key, item]) => `${reprString(key)}: ${toPythonRepr(item)}`).join(', ')}}`;
}

const isPythonOnly = (value: object): value is PythonOnly => KIND in value;

function reprPythonOnly(value: PythonOnly): string {
  if (value[KIND] === 'expression') return value.text;
  const items = value.items.map(toPythonRepr);
  return items.length === 1 ? `(${String(items[0])},)` : `(${items.join(', ')})`;
}

// JSON does not tell 1.0 from 1, so whole numbers are shown as Python integers.
function reprNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Number.isInteger(value)) return BigInt(value).toString();
  const size = Math.abs(value);
  if (size >= 1e-4) return String(value);
  const [digits, exponent] = value.toExponential().split('e-');
  return `${String(digits)}e-${String(exponent).padStart(2, '0')}`;
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
// What Python calls not printable: control, format, surrogate, private, unassigned; every separator but the space.
const NEEDS_ESCAPE = /[\\\p{C}]|(?! )\p{Z}/gu;

function reprString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(NEEDS_ESCAPE, escapeCharacter);
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

function escapeCharacter(character: string): string {
  const named = NAMED_ESCAPES[character];
  if (named !== undefined) return named;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
