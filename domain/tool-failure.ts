import { AppError } from './errors';
import type { ToolOutcome } from './tool';

/** Python's exception names, which Letta's clients see in the stderr of a failed tool. */
export type ToolException =
  | 'ValueError'
  | 'KeyError'
  | 'TypeError'
  | 'JSONDecodeError'
  | 'NotImplementedError'
  | 'TimeoutError'
  | 'ConnectionError'
  | 'RuntimeError';

/** An error that a tool answers with. `message` is written for the model: what was wrong and what to do instead. */
export function toolError(exception: ToolException, message: string, options: ErrorOptions = {}): AppError {
  return new AppError('INVALID_ARGUMENT', message, { ...options, facts: { exception } });
}

/** Whether an error is the tool's answer, and not a failure of what it runs on. */
export const isToolError = (error: unknown): boolean =>
  error instanceof AppError && error.facts['exception'] !== undefined;

/** The outcome of a tool that failed with `error`, in Letta's form. */
export function failedOutcome(toolName: string, error: Error): ToolOutcome {
  const named = error instanceof AppError ? error.facts['exception'] : undefined;
  const exception = typeof named === 'string' ? named : error instanceof AppError ? 'ValueError' : error.name;
  const message = textOr(error.message, 'it gave no message');
  return {
    status: 'error',
    result: message,
    stdout: null,
    stderr: [`Error executing function ${toolName}: ${textOr(exception, 'Error')}: ${message}`],
  };
}

// JavaScript lets a tool throw an error whose fields are anything.
const textOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);

/** What a tool threw, as an error: JavaScript lets it throw anything. */
export function toThrownError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error(`The tool threw ${toText(thrown)}`);
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    const json: unknown = JSON.stringify(value); // Undefined for what JSON does not know.
    return typeof json === 'string' ? json : String(value);
  } catch {
    return 'something that has no text';
  }
}

/** The outcome of a tool that did its work and says `result`: a text, or whatever a tool in plain JavaScript returned. */
export const succeededOutcome = (result: unknown): ToolOutcome => ({
  status: 'success',
  // Letta's tools are Python functions, whose nothing is called None.
  result: result === undefined || result === null ? 'None' : toText(result),
  stdout: null,
  stderr: null,
});

/** The outcome cut to what a tool may bring: its result, and each line of its output. */
export function cutOutcome(outcome: ToolOutcome, limit: number): ToolOutcome {
  const cutAll = (lines: readonly string[] | null) =>
    lines && lines.map((line) => truncateResult(line, limit));
  return {
    ...outcome,
    result: truncateResult(outcome.result, limit),
    stdout: cutAll(outcome.stdout),
    stderr: cutAll(outcome.stderr),
  };
}

/**
 * Cuts a result to `limit` characters and says so in Letta's words. Cutting twice with the same limit changes nothing.
 * Characters are counted in place: a result may be larger than what a list of its characters would need.
 */
export function truncateResult(result: string, limit: number): string {
  if (result.length <= limit) return result;
  const { characters, end } = measure(result, limit);
  if (characters <= limit) return result;
  const note = '... [NOTE: function output was truncated since it exceeded the character limit: ';
  if (result.startsWith(note, end) && result.endsWith(` > ${limit}]`)) return result;
  return `${result.slice(0, end)}${note}${characters} > ${limit}]`;
}

/** How many characters a text has, and where the first `limit` of them end. */
function measure(text: string, limit: number): { readonly characters: number; readonly end: number } {
  let characters = 0;
  let end = text.length;
  for (let at = 0; at < text.length; characters++) {
    if (characters === limit) end = at;
    const isPair = isHigh(text.charCodeAt(at)) && isLow(text.charCodeAt(at + 1));
    at += isPair ? 2 : 1;
  }
  return { characters, end };
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
