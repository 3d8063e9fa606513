import { toChanges, type PreviewMemory } from '../domain/memory-changes';
import { parseToolArguments } from '../domain/tool-arguments';
import { failedOutcome, isToolError } from '../domain/tool-failure';
import { builtinTools, memoryHandlers } from './registry';

/** See `PreviewMemory`: the code that will run once a human says yes, which decides without I/O. */
export const previewMemory: PreviewMemory = (call, blocks) => {
  const handler = memoryHandlers.get(call.name);
  const tool = builtinTools.find(({ name }) => name === call.name);
  if (!handler || !tool) return null;
  const { name, description, parameters, toolType } = tool;
  const read = parseToolArguments(call.arguments, {
    name,
    toolType,
    jsonSchema: { name, description, parameters },
  });
  if ('error' in read) return { changes: [], problem: read.error.result };
  try {
    return { changes: toChanges(handler(blocks, read.args)).changes, problem: null };
  } catch (error) {
    if (!(error instanceof Error) || !isToolError(error)) throw error;
    return { changes: [], problem: failedOutcome(name, error).result };
  }
};
