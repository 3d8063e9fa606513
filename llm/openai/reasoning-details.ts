import type { ModelReply } from '../../domain/model';
import { isRecord } from '../is-record';

type Part = ModelReply['parts'][number];
type Detail = Record<string, unknown>;

/**
 * Joins OpenRouter's streamed `reasoning_details`: pieces with the same index and type belong together, their texts
 * are appended and later fields (a signature, an id) win.
 */
export function mergeReasoningDetails(known: readonly Detail[], delta: unknown): readonly Detail[] {
  if (!Array.isArray(delta)) return known;
  const merged = [...known];
  for (const piece of delta.filter(isRecord)) {
    const at = merged.findIndex((one) => one['index'] === piece['index'] && one['type'] === piece['type']);
    if (at < 0 || piece['index'] === undefined) merged.push({ ...piece });
    else merged[at] = joinDetail(merged[at] ?? {}, piece);
  }
  return merged;
}

function joinDetail(known: Detail, piece: Detail): Detail {
  const joined: Detail = { ...known };
  for (const [key, value] of Object.entries(piece)) {
    if (value === null || value === undefined) continue;
    const grows = key === 'text' || key === 'summary' || key === 'data';
    const before = joined[key];
    joined[key] = grows && typeof before === 'string' && typeof value === 'string' ? before + value : value;
  }
  return joined;
}

/**
 * The reasoning fields an assistant message must carry for its maker to go on: OpenRouter's details (Claude's and
 * Gemini's signatures travel there), DeepSeek's text beside tool calls. Other servers never see old reasoning.
 */
export function replayedReasoning(
  parts: readonly Part[],
  provider: string,
): Readonly<Record<string, unknown>> {
  if (provider === 'openrouter') {
    const details = parts.flatMap(({ provider: made }): unknown[] => {
      const own: unknown = made?.name === provider ? made.data['reasoningDetails'] : undefined;
      return Array.isArray(own) ? own : [];
    });
    return details.length > 0 ? { reasoning_details: details } : {};
  }
  if (provider !== 'deepseek' || !parts.some((part) => part.type === 'tool_call')) return {};
  const own = parts
    .filter((part) => part.type === 'reasoning')
    .filter((part) => part.provider?.name === provider);
  return own.length > 0 ? { reasoning_content: own.map((part) => part.text).join('') } : {};
}
