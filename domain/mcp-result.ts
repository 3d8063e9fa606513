import { z } from 'zod';
import type { ToolOutcome } from './tool';

/** What a call of a server's tool may answer; parts of unknown kinds are kept and described. */
export const McpCallAnswer = z.looseObject({
  content: z.array(z.looseObject({ type: z.string() })).default([]),
  structuredContent: z.record(z.string(), z.unknown()).nullish(),
  isError: z.boolean().nullish(),
});
type Answer = z.infer<typeof McpCallAnswer>;
type Part = Answer['content'][number];

/**
 * A server's answer as the model reads it: texts joined, structured content as JSON unless a text says the same, other
 * parts described. A call that the server itself calls failed is a failed outcome.
 */
export function mcpOutcome({ content, structuredContent, isError }: Answer): ToolOutcome {
  const parts = content.map(describePart);
  const isTold = content.some((part) => saysJson(part['text'], structuredContent));
  if (structuredContent && !isTold) parts.push(JSON.stringify(structuredContent));
  const result = parts.join('\n') || 'The tool answered without any content.';
  if (isError !== true) return { status: 'success', result, stdout: null, stderr: null };
  return { status: 'error', result, stdout: null, stderr: [result] };
}

function describePart(part: Part): string {
  switch (part.type) {
    case 'text':
      return textAt(part, 'text');
    case 'image':
    case 'audio':
      return `[${part.type}: ${textAt(part, 'mimeType') || 'unknown type'}, ${bytesOf(part['data'])}]`;
    case 'resource_link':
      return `[resource link: ${named(part)}]`;
    case 'resource':
      return describeResource(part['resource']);
    default:
      return `[content of type ${part.type.slice(0, 50)}]`;
  }
}

function describeResource(resource: unknown): string {
  if (!isRecord(resource)) return '[resource]';
  if (typeof resource['text'] === 'string') return `[resource: ${named(resource)}]\n${resource['text']}`;
  return `[resource: ${named(resource)}, ${bytesOf(resource['blob'])}]`;
}

const named = (source: Readonly<Record<string, unknown>>): string =>
  ['name', 'uri', 'mimeType', 'description']
    .map((key) => textAt(source, key))
    .filter((text) => text !== '')
    .join(', ');

// Base64: four characters are three bytes.
const bytesOf = (data: unknown): string =>
  `${typeof data === 'string' ? Math.floor((data.replace(/=+$/, '').length * 3) / 4) : 0} bytes`;

/** Whether a text is the JSON of `value`, however it is laid out, or the only thing in it: servers wrap texts like that. */
function saysJson(text: unknown, value: unknown): boolean {
  if (typeof text !== 'string') return false;
  const [inside, ...more] = isRecord(value) ? Object.values(value) : [];
  if (more.length === 0 && (inside === text || (typeof inside === 'number' && String(inside) === text)))
    return true;
  if (!/^\s*\{/.test(text)) return false;
  try {
    return sorted(JSON.parse(text)) === sorted(value);
  } catch {
    return false; // Not being JSON is the answer.
  }
}

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) =>
    isRecord(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
  );

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function textAt(source: Readonly<Record<string, unknown>>, key: string): string {
  const value = source[key];
  return typeof value === 'string' ? value : '';
}
