import { toChanges, type MemoryChanges } from '../domain/memory-changes';
import type { MemoryEdit } from '../domain/memory-edits';
import type { MemoryBlock, MemoryTransaction } from '../domain/ports';
import type { ToolArguments } from '../domain/tool-arguments';
import type { BuiltinTool, ToolCallContext, ToolEffects } from '../domain/tool';
import { toolError } from '../domain/tool-failure';

/** Code of a tool outside of memory. What it throws as a tool error becomes its result. */
export type ReadHandler = (args: ToolArguments, context: ToolCallContext) => Promise<string>;

/** Code of a memory tool: decides, purely, what becomes of the agent's blocks. The runner reads and writes. */
export type MemoryHandler = (
  blocks: readonly MemoryBlock[],
  args: ToolArguments,
) => MemoryEdit | MemoryChanges;

/**
 * Code of a tool whose effect is in the database, inside the transaction that stores its outcome: reads, then decides
 * without I/O, then writes. What deciding throws as a tool error, or writing before its first write, becomes the outcome, and
 * nothing is written; a failure of reading or writing is the database's, and takes the whole transaction back.
 */
export type TransactionalHandler = (memory: MemoryTransaction) => Promise<Decide>;
type Decide = (args: ToolArguments, context: ToolCallContext) => Write;
/** Returns what the model reads. */
export type Write = (memory: MemoryTransaction) => Promise<string>;

/** What becomes of the agent's blocks, as a transactional tool. */
export const memoryEdit =
  (decide: MemoryHandler): TransactionalHandler =>
  async (memory) => {
    const blocks = await memory.blocks();
    return (args) => {
      const { changes, result } = toChanges(decide(blocks, args));
      return async (target) => {
        await target.applyChanges(changes);
        return result;
      };
    };
  };

/** What a module's probe says: `not_done` only if the effect did not happen and can't happen any more. */
export type ProbeAnswer =
  | { readonly outcome: 'done'; readonly result: string }
  | { readonly outcome: 'not_done' }
  | { readonly outcome: 'unknown' };

/** A tool given by code, beside the built-in ones. It is stored like these, under a name that none of them has. */
export interface ToolModule extends Omit<BuiltinTool, 'toolType' | 'effects'> {
  readonly effects: Exclude<ToolEffects, 'transactional'>;
  readonly run: ReadHandler;
  /** Only looks: asked when a `once` call's process was lost, before anybody is told that its outcome is unknown. */
  readonly probe?: (args: ToolArguments, context: ToolCallContext) => Promise<ProbeAnswer>;
}

/** The module as the tools table knows it. */
export const toBuiltinTool = ({
  name,
  description,
  parameters,
  effects,
  enableParallelExecution,
}: ToolModule): BuiltinTool => ({
  name,
  toolType: 'letta_builtin',
  description,
  parameters,
  effects,
  enableParallelExecution,
});

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
