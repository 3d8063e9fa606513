import { otidOf } from '../../domain/ids';
import type { ImagePart, Message, MessagePart, ToolReturnPart } from '../../domain/message';
import { framedSummary } from '../../domain/framed-summary';
import { type SpeakerView, seenWith } from '../../domain/message-view';
import { type FragmentKind, fragmentsOf, type MessageFragment } from '../../domain/message-fragments';
import { spokenText } from '../../domain/spoken-text';
import { toWireSummary } from './compaction';
import { toWireSeconds } from './dates';
import type {
  WireApproval,
  WireContentPart,
  WireMessage,
  WireMessageBody,
  WireMessageHead,
  WireMessageType,
  WireToolCall,
  WireToolReturn,
} from './message-types';
import { pythonJsonText } from './python-json';

export interface MessageOptions {
  /** Only these message types; null or absent means all. */
  readonly includeTypes?: readonly string[] | null | undefined;
  /** Whether calls by which an agent speaks are shown as what they say. */
  readonly speaker?: SpeakerView;
}

/** The messages clients see in place of one stored message: they share its `id` and differ in `otid`. */
export function toWireMessages(message: Message, options: MessageOptions = {}): WireMessage[] {
  const seen = seenWith(message, options.speaker);
  return fragmentsOf(seen)
    .filter(({ kind }) => isIncluded(MESSAGE_TYPES[kind], options.includeTypes))
    .map((fragment) => toWireMessage(seen, fragment));
}

/** How a request wants to see an agent speak: it may ask for the calls themselves. */
export const speakerOf = (config: { readonly use_assistant_message?: unknown } | null): SpeakerView =>
  config?.use_assistant_message === false ? null : undefined;

/** Whether a request that asked for `includeTypes` wants messages of this type. */
export const isIncluded = (type: string, includeTypes: MessageOptions['includeTypes']): boolean =>
  !includeTypes || includeTypes.includes(type);

/** The `message_type` a fragment is shown as. */
export const MESSAGE_TYPES: Readonly<Record<FragmentKind, WireMessageType>> = {
  reasoning: 'reasoning_message',
  hidden_reasoning: 'hidden_reasoning_message',
  assistant: 'assistant_message',
  tool_call: 'tool_call_message',
  approval_request: 'approval_request_message',
  approval_response: 'approval_response_message',
  tool_return: 'tool_return_message',
  user: 'user_message',
  system: 'system_message',
  summary: 'user_message',
  told_summary: 'summary_message',
};

/** One fragment of a stored message. `seqId` is set in streams of background runs only. */
export function toWireMessage(
  message: Message,
  fragment: MessageFragment,
  seqId: number | null = null,
): WireMessage {
  const parts = fragment.partIndexes.flatMap((index) => message.parts[index] ?? []);
  const head = headOf(message, {
    type: MESSAGE_TYPES[fragment.kind],
    otid: otidFor(message, fragment),
    seqId,
  });
  return { ...head, name: nameFor(message, fragment, parts), ...bodyOf(fragment.kind, parts, message) };
}

function headOf(
  message: Message,
  { type, otid, seqId }: { type: WireMessageType; otid: string | null; seqId: number | null },
): WireMessageHead {
  return {
    id: message.id,
    date: toWireSeconds(message.createdAt),
    name: null,
    message_type: type,
    otid,
    sender_id: message.senderId,
    step_id: message.role === 'approval_response' ? null : message.stepId,
    is_err: null,
    seq_id: seqId,
    run_id: message.runId,
  };
}

/** The `otid` of a fragment. Messages that clients wrote keep the client's; an approval request has its message's id. */
function otidFor(message: Pick<Message, 'id' | 'role' | 'otid'>, fragment: MessageFragment): string | null {
  if (fragment.kind === 'approval_request') return message.id;
  if (CLIENT_WRITTEN.includes(message.role)) return message.otid;
  return otidOf(message.id, fragment.index);
}
const CLIENT_WRITTEN: readonly Message['role'][] = ['user', 'system', 'note', 'summary', 'approval_response'];

function nameFor(message: Message, { kind }: MessageFragment, parts: readonly MessagePart[]): string | null {
  const [first] = parts;
  if (kind !== 'tool_return' || first?.type !== 'tool_return') return message.name;
  return message.name ?? (first.name || null);
}

function bodyOf(kind: FragmentKind, parts: readonly MessagePart[], { createdAt }: Message): WireMessageBody {
  switch (kind) {
    case 'reasoning':
      return { source: 'reasoner_model', ...firstReasoning(parts) };
    case 'hidden_reasoning':
      return hiddenReasoning(parts);
    case 'tool_call':
      return toolCalls(parts, pythonJsonText);
    case 'approval_request':
      return toolCalls(parts, (text) => text);
    case 'approval_response':
      return approvalAnswer(parts);
    case 'tool_return':
      return toolReturns(parts);
    case 'user':
      return { content: userContent(parts) };
    case 'summary':
      return { content: systemAlert(framedSummary(textOf(parts)), createdAt) };
    case 'told_summary':
      return toWireSummary(parts);
    default:
      return { content: textOf(parts) };
  }
}

const textOf = (parts: readonly MessagePart[]): string =>
  parts
    .flatMap((part) => {
      if (part.type === 'text') return [part.text];
      return part.type === 'tool_call' && part.speaks ? [spokenText(part)] : [];
    })
    .join('\n');

function firstReasoning([part]: readonly MessagePart[]): { reasoning: string; signature: string | null } {
  return part?.type === 'reasoning'
    ? { reasoning: part.text, signature: part.signature }
    : { reasoning: '', signature: null };
}

const hiddenReasoning = ([part]: readonly MessagePart[]): WireMessageBody =>
  part?.type === 'redacted_reasoning'
    ? { state: 'redacted', hidden_reasoning: part.data }
    : { state: 'omitted', hidden_reasoning: null };

function toolCalls(parts: readonly MessagePart[], spell: (text: string) => string): WireMessageBody {
  const calls = parts.flatMap((part): WireToolCall[] =>
    part.type === 'tool_call'
      ? [{ name: part.name, arguments: spell(part.arguments), tool_call_id: part.id }]
      : [],
  );
  return { tool_call: calls[0] ?? null, tool_calls: calls };
}

function toOutcome(part: ToolReturnPart): Omit<WireToolReturn, 'type'> & { readonly tool_return: string } {
  const { status, result, stdout, stderr } = part.resolution ?? part;
  const isUnknown = part.effectStatus === 'unknown' && !part.resolution;
  return {
    tool_return: result,
    status,
    tool_call_id: part.toolCallId,
    stdout,
    stderr,
    ...(isUnknown && { effect_status: 'unknown' }),
  };
}
function toReturn(part: ToolReturnPart): WireToolReturn {
  const outcome = { type: 'tool', ...toOutcome(part) } as const;
  const { images = [] } = part;
  if (images.length === 0) return outcome;
  const text = outcome.tool_return === '' ? [] : [{ type: 'text', text: outcome.tool_return } as const];
  return { ...outcome, tool_return: contentParts([...text, ...images]) };
}

function toolReturns(parts: readonly MessagePart[]): WireMessageBody {
  const returns = parts.filter((part) => part.type === 'tool_return');
  const [first] = returns;
  return { ...(first ? toOutcome(first) : NO_RETURN), tool_returns: returns.map(toReturn) };
}
const NO_RETURN = { tool_return: '', status: 'error', tool_call_id: '', stdout: null, stderr: null } as const;

function approvalAnswer(parts: readonly MessagePart[]): WireMessageBody {
  const approvals = parts.flatMap((part): (WireApproval | WireToolReturn)[] => {
    if (part.type === 'tool_return') return [toReturn(part)];
    if (part.type !== 'approval') return [];
    const { toolCallId, approve, reason, arguments: args } = part;
    const edited = args === undefined ? {} : { arguments: args };
    return [{ type: 'approval', tool_call_id: toolCallId, approve, reason, ...edited }];
  });
  const first = approvals.find((approval) => approval.type === 'approval');
  return {
    approvals,
    approve: first?.approve ?? null,
    approval_request_id: first?.tool_call_id ?? null,
    reason: first?.reason ?? null,
  };
}

function userContent(parts: readonly MessagePart[]): string | WireContentPart[] {
  const [only] = parts;
  return parts.length <= 1 && only?.type !== 'image' ? textOf(parts) : contentParts(parts);
}

const contentParts = (parts: readonly MessagePart[]): WireContentPart[] =>
  parts.flatMap((part): WireContentPart[] => {
    if (part.type === 'text') return [{ type: 'text', text: part.text, signature: null }];
    return part.type === 'image' ? [{ type: 'image', source: imageSource(part) }] : [];
  });

function imageSource({ source, detail }: ImagePart): Readonly<Record<string, string | null>> {
  if (source.type === 'url') return { type: 'url', url: source.url };
  return { type: 'base64', media_type: source.mediaType, data: source.data, detail: detail ?? null };
}

function systemAlert(message: string, at: Date): string {
  return pythonJsonText(JSON.stringify({ type: 'system_alert', message, time: toAlertTime(at) }));
}

/** `2026-11-24 01:28:59 AM UTC+0000`, the form in which the original tells a model the time. */
export function toAlertTime(date: Date): string {
  const hour = date.getUTCHours();
  const day = date.toISOString().slice(0, 10);
  const rest = date.toISOString().slice(13, 19);
  return `${day} ${String(hour % 12 || 12).padStart(2, '0')}${rest} ${hour < 12 ? 'AM' : 'PM'} UTC+0000`;
}
