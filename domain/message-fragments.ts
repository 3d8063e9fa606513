import type { Message, ToolCallPart } from './message';
import { spokenText } from './spoken-text';

export type FragmentKind =
  | 'reasoning'
  | 'hidden_reasoning'
  | 'assistant'
  | 'tool_call'
  | 'approval_request'
  | 'approval_response'
  | 'tool_return'
  | 'user'
  | 'system'
  | 'summary'
  | 'told_summary';

/** One of the messages that clients see in place of one stored message. */
export interface MessageFragment {
  /**
   * Its number within the message: the index of its first part. Clients tell fragments apart by it (`otidOf`), and
   * run events name it. It is known while a reply streams: a text or reasoning part has its own index, every tool
   * call has the index of the first call of its kind in the reply.
   */
  readonly index: number;
  readonly kind: FragmentKind;
  readonly partIndexes: readonly number[];
}

/** The fragments of a stored message in the order clients see them. A pure function: every process gets the same. */
export function fragmentsOf(message: Pick<Message, 'role' | 'parts'>): readonly MessageFragment[] {
  if (message.role === 'assistant') return replyFragments(message.parts, () => 'tool_call');
  if (message.role === 'tool' && message.parts.every((part) => part.type === 'tool_return' && part.speaks))
    return [];
  if (message.role === 'approval_request') {
    const shown = replyFragments(message.parts, ({ waits }) =>
      waits === false ? 'tool_call' : 'approval_request',
    );
    // Clients look for what they are asked at the end.
    return [
      ...shown.filter(({ kind }) => kind !== 'approval_request'),
      ...shown.filter(({ kind }) => kind === 'approval_request'),
    ];
  }
  return [
    {
      index: 0,
      kind: wholeKind(message.role, message.parts),
      partIndexes: message.parts.map((_part, index) => index),
    },
  ];
}

function wholeKind(role: keyof typeof WHOLE, parts: Message['parts']): FragmentKind {
  if (parts.some((part) => part.type === 'compaction' && part.isTold)) return 'told_summary';
  if (parts.some((part) => part.type === 'text' && part.fromAgent)) return 'system';
  return WHOLE[role];
}

const WHOLE = {
  system: 'system',
  note: 'system',
  user: 'user',
  summary: 'summary',
  tool: 'tool_return',
  approval_response: 'approval_response',
} as const;

function replyFragments(
  parts: Message['parts'],
  callKind: (call: ToolCallPart) => FragmentKind,
): readonly MessageFragment[] {
  return parts.flatMap((part, index): MessageFragment[] => {
    if (part.type === 'tool_call' && part.speaks) {
      return spokenText(part) === '' ? [] : [{ index, kind: 'assistant', partIndexes: [index] }];
    }
    if (part.type === 'tool_call') {
      const kind = callKind(part);
      const calls = parts.flatMap((other, at) =>
        other.type === 'tool_call' && !other.speaks && callKind(other) === kind ? [at] : [],
      );
      return index === calls[0] ? [{ index, kind, partIndexes: calls }] : [];
    }
    const kind = partKind(part);
    return kind ? [{ index, kind, partIndexes: [index] }] : [];
  });
}

function partKind(part: Message['parts'][number]): FragmentKind | null {
  switch (part.type) {
    case 'text':
      return part.text === '' ? null : 'assistant';
    case 'reasoning':
      return part.text === '' ? 'hidden_reasoning' : 'reasoning';
    case 'redacted_reasoning':
      return 'hidden_reasoning';
    default:
      return null;
  }
}
