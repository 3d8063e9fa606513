import { editedNote } from './approval';
import { framedSummary } from './framed-summary';
import type { Message, MessagePart, ToolReturnPart } from './message';
import type { ModelRequest, PromptMessage, ToolSpec } from './model';
import type { MemoryBlock } from './ports';
import type { InputMessage } from './turn-request';

/** What of a stored message the prompt depends on. */
export type PromptSource = Pick<Message, 'role' | 'parts' | 'name' | 'createdAt'>;

/**
 * The transcript as the model reads it. Each stored message maps on its own, so a transcript that only grows gives a
 * prompt that only grows, byte for byte, and the provider's prefix cache stays warm.
 */
export function toPrompt(transcript: readonly PromptSource[]): readonly PromptMessage[] {
  const [first] = transcript;
  const before = first && mapped.get(first);
  const common = before ? countInCommon(before.transcript, transcript) : 0;
  const prompt = before?.prompt.slice(0, before.ends[common - 1] ?? 0) ?? [];
  const ends = before?.ends.slice(0, common) ?? [];
  for (const message of transcript.slice(common)) {
    prompt.push(...toPromptMessage(message));
    ends.push(prompt.length);
  }
  if (first) mapped.set(first, { transcript, prompt, ends });
  return prompt;
}

// Long transcripts begin with the same objects at every step, as far as they were kept. What the model reads of them is then
// the same objects, too, and so is what others derive from those. By the first message; `ends` are places in `prompt`.
const mapped = new WeakMap<
  PromptSource,
  {
    readonly transcript: readonly PromptSource[];
    readonly prompt: PromptMessage[];
    readonly ends: readonly number[];
  }
>();

/** How many objects two lists begin with in common. */
export function countInCommon(before: readonly object[], now: readonly object[]): number {
  let common = 0;
  while (common < before.length && common < now.length && before[common] === now[common]) common += 1;
  return common;
}

function toPromptMessage(message: PromptSource): readonly PromptMessage[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', text: textOf(message.parts) }];
    case 'user': {
      const parts = message.parts.filter((part) => part.type === 'text' || part.type === 'image');
      return [{ role: 'user', parts, ...(message.name !== null && { name: message.name }) }];
    }
    case 'summary':
      return [{ role: 'user', parts: [{ type: 'text', text: framedSummary(textOf(message.parts)) }] }];
    case 'note':
      return [{ role: 'user', parts: [{ type: 'text', text: textOf(message.parts) }] }];
    case 'assistant':
    case 'approval_request':
      return [{ role: 'assistant', parts: message.parts.filter(isAssistantPart) }];
    case 'tool':
      return message.parts
        .filter((part) => part.type === 'tool_return')
        .map((part) => ({
          role: 'tool',
          toolCallId: part.toolCallId,
          name: part.name,
          text: wrapToolResult(part.status === 'success', resultText(part), message.createdAt),
          ...(part.images && { images: part.images }),
        }));
    case 'approval_response':
      return [];
  }
}

type AssistantPart = Extract<PromptMessage, { role: 'assistant' }>['parts'][number];

function isAssistantPart(part: MessagePart): part is AssistantPart {
  return ['text', 'reasoning', 'redacted_reasoning', 'tool_call'].includes(part.type);
}

const resultText = ({ result, ranWith }: ToolReturnPart): string =>
  ranWith === undefined ? result : `${editedNote(ranWith)}\n${result}`;

/** Letta's envelope around a tool result: the model learns whether the call worked, and when. */
function wrapToolResult(isOk: boolean, message: string, at: Date): string {
  return JSON.stringify({ status: isOk ? 'OK' : 'Failed', message, time: at.toISOString() });
}

export const textOf = (parts: readonly MessagePart[]): string =>
  parts
    .filter((part) => part.type === 'text')
    .map((part) => part.text)
    .join('\n');

/** A client's message as a row of the transcript. */
export const fromInput = (input: InputMessage, createdAt: Date): PromptSource => ({
  role: input.role,
  parts: input.parts,
  name: input.name,
  createdAt,
});

/** Block label -> the revision of the block that the model was last shown in a thread. */
export type MemorySeen = Readonly<Record<string, string>>;

/** Names one state of one block. */
export const revisionOf = (block: Pick<MemoryBlock, 'id' | 'version'>): string =>
  `${block.id}@${block.version}`;

/** What a thread's model knows after it was shown these blocks. */
export const memorySeen = (blocks: readonly Pick<MemoryBlock, 'id' | 'label' | 'version'>[]): MemorySeen =>
  Object.fromEntries(blocks.map((block) => [block.label, revisionOf(block)]));

/**
 * What the model must be told about memory that changed outside this thread since it last looked: null if nothing
 * did. Its own edits it has read in the tools' results. The system message stays as it is, and with it the cache.
 */
export function memoryNote(
  blocks: readonly MemoryBlock[],
  seen: MemorySeen,
): { readonly text: string; readonly seen: MemorySeen } | null {
  const changed = blocks.filter((block) => seen[block.label] !== revisionOf(block));
  const removed = Object.keys(seen).filter((label) => !blocks.some((block) => block.label === label));
  if (changed.length === 0 && removed.length === 0) return null;
  const text = [
    '<memory_update>',
    'Your memory blocks were edited outside this conversation. These values replace the ones you were shown before.',
    ...changed.map((block) => `<${block.label}>\n<value>\n${block.value}\n</value>\n</${block.label}>`),
    ...removed.map((label) => `The block "${label}" is no longer part of your memory.`),
    '</memory_update>',
  ].join('\n');
  return { text, seen: memorySeen(blocks) };
}

/** Tools as a request names them, in a stable order. */
export const toToolSpecs = (tools: readonly { readonly jsonSchema: ToolSpec }[]): ModelRequest['tools'] =>
  tools.map(({ jsonSchema: { name, description, parameters } }) => ({ name, description, parameters }));
