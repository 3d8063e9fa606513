import type { Message, MessagePart, ToolCallPart } from './message';

/** The tool by whose calls an agent speaks, and the argument that holds what it says. */
export interface Speaker {
  readonly tool: string;
  readonly argument: string;
}

/**
 * How calls by which an agent speaks are shown: absent as they were marked when they were made, null all of them as the
 * calls that they are, with a speaker those of its tool as what they say.
 */
export type SpeakerView = Speaker | null | undefined;

/** The message as somebody with this view of speaking sees it. A pure function, so that a replay shows the same. */
export function seenWith<T extends Pick<Message, 'role' | 'parts'>>(message: T, speaker: SpeakerView): T {
  if (speaker === undefined) return message;
  // A request for approval is shown as what it asks for.
  const isAsking = message.role === 'approval_request';
  return { ...message, parts: message.parts.map((part) => seenPart(part, isAsking ? null : speaker)) };
}

function seenPart(part: MessagePart, speaker: Speaker | null): MessagePart {
  if (part.type !== 'tool_call' && part.type !== 'tool_return') return part;
  const { speaks: _, ...plain } = part;
  if (part.name !== speaker?.tool) return plain;
  if (part.type === 'tool_return') return { ...part, speaks: true };
  return { ...part, arguments: toSpokenArguments(part, speaker.argument), speaks: true };
}

/** The arguments of a call in the form of `send_message`, which is the one that is read aloud. */
function toSpokenArguments({ arguments: raw }: ToolCallPart, argument: string): string {
  if (argument === 'message') return raw;
  try {
    const args: unknown = JSON.parse(raw);
    const fields = typeof args === 'object' && args !== null ? Object.entries(args) : [];
    const said: unknown = fields.find(([name]) => name === argument)?.[1] ?? '';
    return JSON.stringify({ message: typeof said === 'string' ? said : JSON.stringify(said) });
  } catch {
    // Arguments that are not JSON say nothing.
    return raw;
  }
}
