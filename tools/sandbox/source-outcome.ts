import type { ToolOutcome } from '../../domain/tool';
import { truncateResult } from '../../domain/tool-failure';

/** Longer than this, Temporal would take a call that may be repeated for lost. */
const LONGEST_REPEATABLE_MS = 110_000;
/** How many characters of the value of a piece of code are kept. */
export const CODE_RESULT_LIMIT = 1_000_000;

/** How long a call of a tool with these effects may take. */
export const timeoutOf = (effects: string | undefined, timeoutMs: number): number =>
  effects === undefined || effects === 'once' ? timeoutMs : Math.min(timeoutMs, LONGEST_REPEATABLE_MS);

/** What the process of a tool said. It has kept as many characters of the value as the tool may return. */
export interface Said {
  readonly value: string;
  /** Of the whole value. */
  readonly length: number;
  readonly error: { readonly summary: string; readonly trace: string } | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The outcome of a call, in the words of the original. */
export function toOutcome(
  name: string,
  { value, length, error, stdout, stderr }: Said,
  limit: number,
): ToolOutcome {
  if (error) {
    return {
      status: 'error',
      result: `Error executing function ${name}: ${error.summary}`,
      stdout: asList(stdout),
      stderr: asList(stderr + error.trace),
    };
  }
  const result = cutTo(value, length, limit);
  return { status: 'success', result, stdout: asList(stdout), stderr: asList(stderr) };
}

/** The note says how long the value was, as for any other tool. */
function cutTo(kept: string, length: number, limit: number): string {
  if (length <= limit) return kept;
  return truncateResult(kept.padEnd(kept.length + length - limit, ' '), limit);
}

const asList = (text: string): readonly string[] => (text === '' ? [] : [text]);

/** Stops waiting when the call is stopped; what it waited for goes on for whoever calls next. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error); // An AppError, see ToolCallContext.
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
  });
}
