import { DEFAULT_USER_ID } from '../../domain/ids';
import type { Message, MessagePart, ToolReturnPart } from '../../domain/message';
import { framedSummary } from '../../domain/framed-summary';
import { textOf } from '../../domain/prompt';
import { toWireMicros } from './dates';
import { toAlertTime } from './message';
import { pythonJsonText } from './python-json';

// Letta's own form of a message: one per stored message, as its context overview and its agent files hold it.

type Json = Readonly<Record<string, unknown>>;

/** What a stored message holds, in Letta's form: the part that an agent file and the context overview share. */
export function toStoredFields(message: Message) {
  const calls = message.parts.flatMap((part) =>
    part.type === 'tool_call'
      ? [{ id: part.id, function: { arguments: part.arguments, name: part.name }, type: 'function' }]
      : [],
  );
  const returns = message.parts.filter((part) => part.type === 'tool_return');
  const [first] = returns;
  const isTool = message.role === 'tool';
  return {
    role: ROLES[message.role],
    content: toContent(message),
    name: message.name ?? (isTool ? (first?.name ?? null) : null),
    tool_calls: calls.length > 0 ? calls : null,
    tool_call_id: isTool ? (first?.toolCallId ?? null) : null,
    tool_returns: isTool ? returns.map((part) => toReturn(part, message.createdAt)) : [],
    otid: message.otid,
    sender_id: message.senderId,
    ...toApproval(message),
  };
}

// Letta knows neither notes nor, outside of compactions, summaries.
const ROLES: Readonly<Record<Message['role'], string>> = {
  system: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  approval_request: 'approval',
  approval_response: 'approval',
  summary: 'summary',
  note: 'user',
};

const text = (value: string) => ({ type: 'text', text: value, signature: null });

function toContent({ role, parts, createdAt }: Message): readonly Json[] {
  if (role === 'summary') {
    const alert = {
      type: 'system_alert',
      message: framedSummary(textOf(parts)),
      time: toAlertTime(createdAt),
    };
    return [text(pythonJsonText(JSON.stringify(alert)))];
  }
  if (role === 'approval_response') return [];
  return parts.flatMap((part) => toContentPart(part, createdAt));
}

function toContentPart(part: MessagePart, at: Date): readonly Json[] {
  switch (part.type) {
    case 'text':
      return part.text === '' ? [] : [text(part.text)];
    case 'image': {
      const { source } = part;
      const shown =
        source.type === 'url' ? source : { type: 'base64', media_type: source.mediaType, data: source.data };
      return [{ type: 'image', source: shown }];
    }
    case 'reasoning':
      return part.text === ''
        ? []
        : [{ type: 'reasoning', is_native: true, reasoning: part.text, signature: part.signature }];
    case 'redacted_reasoning':
      return [{ type: 'redacted_reasoning', data: part.data }];
    case 'tool_return':
      return [text(toEnvelope(part, at))];
    default:
      return [];
  }
}

/** What the original's model reads of a result. */
const toEnvelope = ({ status, result }: ToolReturnPart, at: Date): string =>
  JSON.stringify(
    { status: status === 'success' ? 'OK' : 'Failed', message: result, time: toAlertTime(at) },
    null,
    2,
  );

const toReturn = (part: ToolReturnPart, at: Date) => ({
  tool_call_id: part.toolCallId,
  status: part.status,
  stdout: part.stdout,
  stderr: part.stderr,
  func_response: toEnvelope(part, at),
});

function toApproval({ role, parts }: Message) {
  if (role !== 'approval_response')
    return { approve: null, approval_request_id: null, denial_reason: null, approvals: [] };
  const approvals = parts.flatMap((part): readonly Json[] => {
    if (part.type === 'approval') {
      const { toolCallId, approve, reason } = part;
      return [{ type: 'approval', tool_call_id: toolCallId, approve, reason }];
    }
    if (part.type !== 'tool_return') return [];
    const { toolCallId, status, result, stdout, stderr } = part;
    return [{ type: 'tool', tool_call_id: toolCallId, status, tool_return: result, stdout, stderr }];
  });
  const first = parts.find((part) => part.type === 'approval');
  return {
    approve: first?.approve ?? null,
    approval_request_id: first?.toolCallId ?? null,
    denial_reason: first?.reason ?? null,
    approvals,
  };
}

/** A message as the context overview and batches show it. */
export const toWireStoredMessage = (message: Message, model: string | null) => ({
  created_by_id: DEFAULT_USER_ID,
  last_updated_by_id: DEFAULT_USER_ID,
  created_at: toWireMicros(message.createdAt),
  updated_at: toWireMicros(message.createdAt),
  id: message.id,
  agent_id: message.agentId,
  model: ['user', 'note', 'summary'].includes(message.role) ? null : model,
  ...toStoredFields(message),
  step_id: message.stepId,
  run_id: message.runId,
  group_id: null,
  batch_item_id: null,
  conversation_id: message.conversationId === message.agentId ? null : message.conversationId,
  is_err: null,
});
