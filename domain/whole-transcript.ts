import type { Message, MessagePart, ToolCallPart, ToolReturnPart } from './message';

// Providers refuse a prompt that holds a tool call without its result, or a result without its call: one such pair would
// end every turn of its thread. Turns never leave one behind; imports, manual SQL and bugs may.

/** A call that the model would read without a result. */
export interface DanglingCall {
  readonly message: Message;
  readonly call: ToolCallPart;
}
/** A result that the model would read without its call. */
export interface OrphanedReturn {
  readonly message: Message;
  readonly part: ToolReturnPart;
}
export interface TranscriptGaps {
  readonly dangling: readonly DanglingCall[];
  readonly orphaned: readonly OrphanedReturn[];
}

const NO_GAPS: TranscriptGaps = { dangling: [], orphaned: [] };

/** What is missing in a transcript. One pass and no copy where nothing is. */
export function findGaps(context: readonly Message[]): TranscriptGaps {
  if (isWhole(context)) return NO_GAPS;
  const { groups, orphaned } = matchResults(context);
  const dangling = groups.flatMap(({ message, calls }) =>
    calls.filter(({ result }) => result === null).map(({ call }) => ({ message, call })),
  );
  return { dangling, orphaned };
}

/**
 * The transcript as a provider takes it: each call is followed by its one result, wherever that lies, and nothing else is
 * moved. A call without a result gets one that says so. A whole transcript is returned as it is, and so is every whole
 * beginning of another one: prefix caches live on that.
 */
export function wholeTranscript(context: readonly Message[]): readonly Message[] {
  if (isWhole(context)) return context;
  const groupOf = new Map(matchResults(context).groups.map((group) => [group.message, group]));
  return context.flatMap((message) => {
    if (message.role === 'tool') return [];
    const group = groupOf.get(message);
    if (!group) return [message];
    return [withoutRepeats(group), ...resultsOf(group)];
  });
}

/** What is said of a call whose result is nowhere to be found. */
export const LOST_RESULT =
  'The outcome of this call is not known: no result of it is stored. It may or may not have acted. ' +
  'Find out before you call it again or build on it.';

/** A result that stands for one that is not there. Only one that is lost leaves open whether the call has acted. */
export const lostReturn = ({ id, name }: ToolCallPart, result: string = LOST_RESULT): ToolReturnPart => ({
  type: 'tool_return',
  toolCallId: id,
  name,
  status: 'error',
  result,
  stdout: null,
  stderr: [result],
  ...(result === LOST_RESULT && { effectStatus: 'unknown' }),
});

const callsOf = (message: Message): readonly ToolCallPart[] =>
  message.role === 'assistant' || message.role === 'approval_request'
    ? message.parts.filter((part) => part.type === 'tool_call')
    : [];

const whole = new WeakSet<readonly Message[]>();

/** Whether every result follows its call before the model speaks or hears anything else. */
function isWhole(context: readonly Message[]): boolean {
  if (whole.has(context)) return true;
  const is = findsEveryResult(context);
  if (is) whole.add(context);
  return is;
}

function findsEveryResult(context: readonly Message[]): boolean {
  const open = new Set<string>();
  for (const message of context) {
    if (message.role === 'approval_response') continue; // The model does not read it.
    if (message.role === 'tool') {
      for (const part of message.parts) {
        if (part.type === 'tool_return' && !open.delete(part.toolCallId)) return false;
      }
      continue;
    }
    if (open.size > 0) return false;
    const calls = callsOf(message);
    for (const { id } of calls) open.add(id);
    if (open.size < calls.length) return false;
  }
  return open.size === 0;
}

interface Found {
  readonly message: Message;
  readonly part: ToolReturnPart;
  /** Its place in the transcript. */
  readonly at: number;
}
interface CallAndResult {
  readonly call: ToolCallPart;
  result: Found | null;
}
interface Group {
  readonly message: Message;
  /** Each id once: a second call of the same id can't be told apart from the first. */
  readonly calls: readonly CallAndResult[];
}

/** Gives each result to the last call of its id that has none. */
function matchResults(context: readonly Message[]) {
  const groups: Group[] = [];
  const waiting = new Map<string, CallAndResult[]>();
  const orphaned: OrphanedReturn[] = [];
  context.forEach((message, at) => {
    const calls = callsOf(message)
      .filter((call, index, all) => all.findIndex(({ id }) => id === call.id) === index)
      .map((call): CallAndResult => ({ call, result: null }));
    if (calls.length > 0) groups.push({ message, calls });
    for (const entry of calls) waiting.set(entry.call.id, [...(waiting.get(entry.call.id) ?? []), entry]);
    if (message.role !== 'tool') return;
    for (const part of message.parts) {
      if (part.type !== 'tool_return') continue;
      const entry = waiting.get(part.toolCallId)?.pop();
      if (entry) entry.result = { message, part, at };
      else orphaned.push({ message, part });
    }
  });
  return { groups, orphaned };
}

function withoutRepeats({ message, calls }: Group): Message {
  const kept: readonly MessagePart[] = calls.map(({ call }) => call);
  const parts = message.parts.filter((part) => part.type !== 'tool_call' || kept.includes(part));
  return parts.length === message.parts.length ? message : { ...message, parts };
}

/** The results of one reply in the order they came, then those that are lost. */
function resultsOf({ message, calls }: Group): readonly Message[] {
  const found = calls.flatMap(({ result }) => result ?? []).sort((a, b) => a.at - b.at);
  const lost = calls.filter(({ result }) => result === null).map(({ call }) => lostReturn(call));
  return [
    ...found.map((each) =>
      each.message.parts.length === 1 ? each.message : { ...each.message, parts: [each.part] },
    ),
    ...lost.map((part) => ({
      ...message,
      id: `${message.id}/${part.toolCallId}`,
      role: 'tool' as const,
      parts: [part],
    })),
  ];
}
