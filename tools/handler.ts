import type { MemoryEdit } from '../domain/memory-edits';
import type { MemoryBlock } from '../domain/ports';
import type { ToolArguments } from '../domain/tool-arguments';
import type { ToolCallContext } from '../domain/tool';
import { toolError } from '../domain/tool-failure';

/** Code of a tool that only looks. What it throws as a tool error becomes its result. */
export type ReadHandler = (args: ToolArguments, context: ToolCallContext) => Promise<string>;

/** Code of a memory tool: decides, purely, what one block becomes. The runner reads and writes. */
export type MemoryHandler = (blocks: readonly MemoryBlock[], args: ToolArguments) => MemoryEdit;

/** A required text argument. */
export function textArgument(args: ToolArguments, name: string): string {
  const value = args[name];
  if (typeof value === 'string') return value;
  throw toolError('TypeError', `argument '${name}' must be of type string`);
}

/** An optional text argument; blank counts as absent. */
export function optionalText(args: ToolArguments, name: string): string | null {
  const value = args[name];
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

/** An optional whole number between two bounds. */
export function integerArgument(
  args: ToolArguments,
  name: string,
  { fallback, min, max }: { readonly fallback: number; readonly min: number; readonly max: number },
): number {
  const value = args[name] ?? fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw toolError('ValueError', `argument '${name}' must be a whole number from ${min} to ${max}`);
}

/** An optional list of texts; an empty list counts as absent. */
export function optionalTexts(args: ToolArguments, name: string): readonly string[] | null {
  const value = args[name];
  if (!Array.isArray(value) || value.length === 0) return null;
  return value.map(String);
}
