import type { ToolCallPart } from './message';

// What one reply may ask for. Models that work stay far below; a reply above them is a model gone wrong, and its turn goes
// on without harm to the thread.

/** Calls of one reply that are made. Each is an activity, of which a workflow can have two thousand under way. */
export const MAX_CALLS = 128;
/** No model writes replies of this length; a thread that held one would not fit into any context window again. */
const MAX_ARGUMENT_CHARACTERS = 1_000_000;
const KEPT_CHARACTERS = 1_000;

/** The call as it is kept: arguments beyond the limit are cut, because the model would have to read them again. */
export const cutArguments = (call: ToolCallPart): ToolCallPart =>
  isTooLong(call) ? { ...call, arguments: call.arguments.slice(0, KEPT_CHARACTERS) } : call;

const isTooLong = (call: ToolCallPart): boolean => call.arguments.length > MAX_ARGUMENT_CHARACTERS;

/** Why a call is answered without being made; null makes it. `given` is the call as the model wrote it. */
export function refusalBeyondLimits({
  index,
  given,
  made,
}: {
  readonly index: number;
  readonly given: ToolCallPart;
  /** How many calls the reply held. */
  readonly made: number;
}): string | null {
  if (isTooLong(given)) {
    return (
      `The arguments are too long: ${given.arguments.length} characters, at most ${MAX_ARGUMENT_CHARACTERS} are taken. ` +
      'The call was not made. Make several calls with less in each.'
    );
  }
  if (made > MAX_CALLS && index === MAX_CALLS - 1) {
    return (
      `Your reply held ${made} tool calls; at most ${MAX_CALLS} of a reply are taken. This call and the ones after it ` +
      'were not made. Wait for the results of the others, then make those you still need.'
    );
  }
  return null;
}

/** A tool's name as it crosses into histories: short, and without characters that take more room there. */
export const nameInHistory = (name: string): string => name.slice(0, 128).replace(/[^\x20-\x7e]/g, '_');
