import { z } from 'zod';
import { checkToolArguments, isBuiltin } from './tool-arguments';
import type { Tool } from './tool';

/** Why a tool cannot be called with these arguments, in one sentence; null if it can. */
export function problemOfArguments(text: string, tool: Tool): string | null {
  const args = readObject(text);
  if (args === null) return 'they must be one JSON object with the parameters by name';
  if (!isBuiltin(tool)) return schemaProblem(tool, args);
  try {
    checkToolArguments(tool, args);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function readObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null; // checked in the line above
  } catch {
    // Text that is no JSON is no object either.
    return null;
  }
}

function schemaProblem({ jsonSchema }: Tool, args: unknown): string | null {
  const schema = toSchema(jsonSchema.parameters);
  const checked = schema?.safeParse(args);
  if (!checked || checked.success) return null;
  return checked.error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
}

function toSchema(parameters: Readonly<Record<string, unknown>>): z.ZodType | null {
  try {
    return z.fromJSONSchema({ type: 'object', ...parameters });
  } catch {
    // A schema that cannot be read can refuse nothing; the tool checks its own arguments.
    return null;
  }
}
