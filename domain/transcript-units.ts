import type { Message } from './message';

/** Messages of a context that only make sense together: a message alone, or calls with all of their results. */
export type Unit = readonly Message[];

/**
 * Cuts a context into units, in order. What stands between a call and its last result belongs to that unit; a call whose
 * result is missing takes nothing with it.
 */
export function toUnits(messages: readonly Message[]): readonly Unit[] {
  const units: Message[][] = [];
  for (let at = 0; at < messages.length;) {
    const end = endOfUnit(messages, at);
    units.push(messages.slice(at, end));
    at = end;
  }
  return units;
}

/** The index behind the last message of the unit that begins at `start`. */
function endOfUnit(messages: readonly Message[], start: number): number {
  const open = callIds(messages[start]);
  let end = start + 1;
  for (let at = start + 1; at < messages.length && open.size > 0; at++) {
    const closed = resultIds(messages[at]).filter((id) => open.delete(id));
    if (closed.length > 0) end = at + 1;
  }
  return end;
}

/** Ids of the calls that a message makes. */
export const callIds = (message: Message | undefined): Set<string> =>
  new Set(message?.parts.flatMap((part) => (part.type === 'tool_call' ? [part.id] : [])));

/** Ids of the calls whose results a message holds. An answer of a client stands beside the result, not for it. */
export const resultIds = (message: Message | undefined): readonly string[] =>
  message?.role !== 'tool'
    ? []
    : message.parts.flatMap((part) => (part.type === 'tool_return' ? [part.toolCallId] : []));
