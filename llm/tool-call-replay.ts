import { isRecord } from './is-record';

/** A name every provider accepts back. A model that called a tool by an impossible name must not brick its agent. */
export function replayableName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || 'unnamed';
}

/** The arguments as an object, for servers that parse them again. Malformed ones travel as a string in one field. */
export function replayableArguments(raw: string): Record<string, unknown> {
  if (raw.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(raw);
    if (isRecord(value)) return value;
  } catch {
    // Not JSON: the model's own string is shown to it below, so that it can see its mistake.
  }
  return { malformed_arguments: raw };
}
