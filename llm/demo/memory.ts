import type { PromptMessage } from '../../domain/model';
import { isRecord } from '../is-record';

/** Block label → value, as far as the prompt shows it. */
export type DemoMemory = ReadonlyMap<string, DemoBlock>;
export interface DemoBlock {
  readonly value: string;
  readonly readOnly: boolean;
}

const BLOCK = /<([^<>\s/][^<>\s]*)>\s*((?:(?!<\/?\1>)[\s\S])*?)<value>\n?([\s\S]*?)\n?<\/value>\s*<\/\1>/g;

/**
 * The memory blocks as the conversation last showed them: the system message first, then whatever newer values notes
 * and the results of memory tools carry.
 */
export function readMemory(messages: readonly PromptMessage[]): DemoMemory {
  const memory = new Map<string, DemoBlock>();
  const labels = new Map<string, string>();
  for (const message of messages) {
    if (message.role === 'system') readBlocks(message.text, memory);
    if (message.role === 'user' && isNote(message)) readBlocks(userText(message), memory);
    if (message.role === 'assistant') rememberLabels(message, labels);
    if (message.role === 'tool') {
      const label = labels.get(message.toolCallId);
      const { isOk, text } = readToolResult(message.text);
      if (label !== undefined && isOk) memory.set(label, { value: text, readOnly: false });
    }
  }
  return memory;
}

/** Whether a user message is one of ours about memory, not something a person wrote. */
export const isNote = (message: Extract<PromptMessage, { role: 'user' }>): boolean =>
  userText(message).startsWith('<memory_update>');

/** The words of a user message. */
export const userText = ({ parts }: Extract<PromptMessage, { role: 'user' }>): string =>
  parts.map((part) => (part.type === 'text' ? part.text : '')).join('\n');

function readBlocks(text: string, memory: Map<string, DemoBlock>): void {
  const inside = /<memory_(?:blocks|update)>[\s\S]*<\/memory_(?:blocks|update)>/.exec(text)?.[0] ?? '';
  const content = inside.replace(/^<[^>]*>/, '').replace(/<[^>]*>$/, '');
  for (const [, label = '', head = '', value = ''] of content.matchAll(BLOCK)) {
    const readOnly = head.includes('read_only=true') || memory.get(label)?.readOnly === true;
    memory.set(label, { value, readOnly });
  }
}

/** The results of these tools are the block's whole new value. */
const MEMORY_TOOLS = ['memory_insert', 'memory_replace', 'memory_rethink'];

function rememberLabels(
  { parts }: Extract<PromptMessage, { role: 'assistant' }>,
  labels: Map<string, string>,
): void {
  for (const part of parts) {
    if (part.type !== 'tool_call' || !MEMORY_TOOLS.includes(part.name)) continue;
    const label = parseObject(part.arguments)['label'];
    if (typeof label === 'string') labels.set(part.id, label);
  }
}

/** A tool result without its envelope. */
export function readToolResult(text: string): { readonly isOk: boolean; readonly text: string } {
  const { status, message } = parseObject(text);
  if (typeof message !== 'string') return { isOk: true, text };
  return { isOk: status !== 'Failed', text: message };
}

/** A JSON object, or an empty one for any other text. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {}; // Plain text is as good a result as JSON.
  }
}
