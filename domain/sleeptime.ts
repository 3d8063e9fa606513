import type { Message, MessagePart } from './message';
import { spokenText } from './spoken-text';

/** Most characters of a transcript that a sleeper is handed; of a longer one it gets the end. */
const MAX_TRANSCRIPT = 100_000;

/** What a sleeper is told when it is woken: what was said since the last time, and what to do about it. */
export function sleeperMessage(messages: readonly Pick<Message, 'role' | 'parts'>[]): string {
  const lines = messages.flatMap(({ role, parts }) => parts.flatMap((part) => lineOf(role, part)));
  const transcript = lines.join('\n');
  const shown = transcript.length > MAX_TRANSCRIPT ? `[…]${transcript.slice(-MAX_TRANSCRIPT)}` : transcript;
  return [
    'This was said in the conversation since you last looked. Nobody reads what you answer: bring the memory blocks up to',
    'date with it, and call memory_finish_edits when they are.',
    '<transcript>',
    shown,
    '</transcript>',
  ].join('\n');
}

function lineOf(role: Message['role'], part: MessagePart): readonly string[] {
  if (part.type === 'text') return [`${role === 'user' ? 'user' : 'assistant'}: ${part.text}`];
  if (part.type === 'tool_call') {
    return [
      part.speaks ? `assistant: ${spokenText(part)}` : `assistant calls ${part.name}: ${part.arguments}`,
    ];
  }
  if (part.type === 'tool_return' && !part.speaks) return [`${part.name} returns: ${part.result}`];
  return [];
}
