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

/** The outcome of a tool that failed with `error`, in Letta's form. */
export function failedOutcome(toolName: string, error: Error): ToolOutcome {
  const named = error instanceof AppError ? error.facts['exception'] : undefined;
  const exception = typeof named === 'string' ? named : error instanceof AppError ? 'ValueError' : error.name;
  return {
    status: 'error',
    result: error.message,
    stdout: null,
    stderr: [`Error executing function ${toolName}: ${exception}: ${error.message}`],
  };
}

/** The outcome of a tool that did its work and says `result`. */
export const succeededOutcome = (result: string): ToolOutcome => ({
  status: 'success',
  result,
  stdout: null,
  stderr: null,
});

/**
 * Cuts a result to `limit` characters and says so in Letta's words. Cutting twice with the same limit changes nothing.
 */
export function truncateResult(result: string, limit: number): string {
  if (result.length <= limit) return result;
  const characters = Array.from(result);
  if (characters.length <= limit) return result;
  const note = '... [NOTE: function output was truncated since it exceeded the character limit: ';
  const rest = characters.slice(limit).join('');
  if (rest.startsWith(note) && rest.endsWith(` > ${limit}]`)) return result;
  return `${characters.slice(0, limit).join('')}${note}${characters.length} > ${limit}]`;
}
