import type { MessagePart, MessageRole, ToolReturnPart } from '../../domain/message';
import { unframedSummary } from '../../domain/framed-summary';
import { newId } from '../../new-id';
import type { FileAgent, FileMessage } from './schema';

/** A message of a file as it is stored. */
export interface ImportedMessage {
  readonly id: string;
  /** Its id in the file; null for one that the import adds. */
  readonly fileId: string | null;
  readonly role: MessageRole;
  readonly parts: readonly MessagePart[];
  readonly name: string | null;
  readonly otid: string | null;
  readonly senderId: string | null;
  readonly createdAt: string | null;
  readonly inContext: boolean;
}

/**
 * The thread of an agent in a file, in the order of its messages. The system message is left out: it is compiled anew.
 * Every call in the context has its result in the context, and no result is there without its call: a call that the file
 * leaves open is closed here.
 */
export function readMessages(agent: FileAgent): readonly ImportedMessage[] {
  const all = agent.messages ?? [];
  const context = new Set(agent.in_context_message_ids ?? all.map(({ id }) => id));
  const systemId = all.find(({ id, role }) => role === 'system' && context.has(id))?.id;
  const rows = all.flatMap((message): readonly ImportedMessage[] =>
    message.id === systemId ? [] : toRows(message, context.has(message.id)),
  );
  return closeCalls(rows);
}

/** One stored message each; a tool message of several results becomes several. */
function toRows(message: FileMessage, inContext: boolean): readonly ImportedMessage[] {
  const head = {
    fileId: message.id,
    otid: message.otid ?? null,
    senderId: message.sender_id ?? null,
    createdAt: message.created_at ?? null,
    inContext,
  };
  const role = roleOf(message);
  if (role === 'tool') {
    return returnsOf(message).map((part) => ({
      ...head,
      id: newId('message'),
      role,
      name: null,
      parts: [part],
    }));
  }
  return [{ ...head, id: newId('message'), role, name: message.name ?? null, parts: partsOf(message, role) }];
}

function roleOf({ role, tool_calls: calls }: FileMessage): MessageRole {
  if (role === 'approval') return (calls ?? []).length > 0 ? 'approval_request' : 'approval_response';
  return role === 'function' ? 'tool' : role;
}

function partsOf(message: FileMessage, role: MessageRole): readonly MessagePart[] {
  if (role === 'approval_response') return answersOf(message);
  if (role === 'summary') return [{ type: 'text', text: summaryOf(textIn(message)) }];
  const calls = (message.tool_calls ?? []).map(
    ({ id, function: { name, arguments: args } }): MessagePart => ({
      type: 'tool_call',
      id,
      name,
      arguments: args,
    }),
  );
  const { content } = message;
  if (typeof content === 'string') return [{ type: 'text', text: content }, ...calls];
  return [...(content ?? []).flatMap(toPart), ...calls];
}

type Item = Readonly<Record<string, unknown>>;
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Parts that this server does not store (calls and results inside contents, files) have a place of their own in the file. */
function toPart(item: Item): readonly MessagePart[] {
  switch (item['type']) {
    case 'text':
      return [{ type: 'text', text: text(item['text']) }];
    case 'reasoning':
      return [
        { type: 'reasoning', text: text(item['reasoning']), signature: text(item['signature']) || null },
      ];
    case 'redacted_reasoning':
      return [{ type: 'redacted_reasoning', data: text(item['data']) }];
    case 'image':
      return toImage(item['source']);
    default:
      return [];
  }
}

function toImage(source: unknown): readonly MessagePart[] {
  if (typeof source !== 'object' || source === null) return [];
  const { type, url, media_type: mediaType, data } = source as Item;
  if (type === 'url') return [{ type: 'image', source: { type: 'url', url: text(url) } }];
  if (typeof data !== 'string') return [];
  return [{ type: 'image', source: { type: 'base64', mediaType: text(mediaType), data } }];
}

const textIn = ({ content }: FileMessage): string =>
  typeof content === 'string' ? content : (content ?? []).map((item) => text(item['text'])).join('\n');

/** The words inside the alert that Letta wraps a summary in. */
function summaryOf(content: string): string {
  const alert = parseObject(content);
  return unframedSummary(alert && 'message' in alert ? text(alert['message']) : content);
}

function returnsOf(message: FileMessage): readonly ToolReturnPart[] {
  const name = message.name ?? '';
  const returns = message.tool_returns ?? [];
  if (returns.length === 0) {
    const { isOk, result } = readEnvelope(textIn(message));
    return [toReturn({ name, id: message.tool_call_id ?? '', isOk, result })];
  }
  return returns.map((each) => {
    const { isOk, result } = readEnvelope(each.func_response ?? textIn(message));
    const part = toReturn({
      name,
      id: each.tool_call_id ?? message.tool_call_id ?? '',
      isOk: each.status ? each.status === 'success' : isOk,
      result,
    });
    return { ...part, stdout: each.stdout ?? null, stderr: each.stderr ?? null };
  });
}

const toReturn = (made: { name: string; id: string; isOk: boolean; result: string }): ToolReturnPart => ({
  type: 'tool_return',
  toolCallId: made.id,
  name: made.name,
  status: made.isOk ? 'success' : 'error',
  result: made.result,
  stdout: null,
  stderr: null,
});

/** Letta stores `{"status", "message", "time"}` around a result. */
function readEnvelope(value: unknown): { readonly isOk: boolean; readonly result: string } {
  const raw = typeof value === 'string' ? value : JSON.stringify(value);
  const envelope = parseObject(raw);
  if (!envelope || !('message' in envelope)) return { isOk: true, result: raw };
  const { status, message } = envelope;
  return {
    isOk: status !== 'Failed',
    result: typeof message === 'string' ? message : JSON.stringify(message),
  };
}

function parseObject(json: string): Item | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Item) : null;
  } catch {
    return null;
  }
}

function answersOf(message: FileMessage): readonly MessagePart[] {
  const answers = message.approvals ?? [];
  if (answers.length === 0) {
    return [
      {
        type: 'approval',
        toolCallId: message.approval_request_id ?? '',
        approve: message.approve === true,
        reason: message.denial_reason ?? null,
      },
    ];
  }
  return answers.map((answer): MessagePart => {
    const toolCallId = text(answer['tool_call_id']);
    if (answer['type'] === 'tool') {
      const isOk = answer['status'] !== 'error';
      return toReturn({ name: '', id: toolCallId, isOk, result: text(answer['tool_return']) });
    }
    return {
      type: 'approval',
      toolCallId,
      approve: answer['approve'] === true,
      reason: text(answer['reason']) || null,
    };
  });
}

/** Puts what the context lacks right behind each call, and takes results without a call out of it. */
function closeCalls(rows: readonly ImportedMessage[]): readonly ImportedMessage[] {
  const results = (from: readonly ImportedMessage[]) =>
    new Set(from.filter(({ role, inContext }) => role === 'tool' && inContext).flatMap(idsOfReturns));
  const called = new Set<string>();
  return rows.flatMap((row, at): readonly ImportedMessage[] => {
    if (row.role === 'tool') {
      return [{ ...row, inContext: row.inContext && idsOfReturns(row).every((id) => called.has(id)) }];
    }
    const calls = row.parts.filter((part) => part.type === 'tool_call');
    if (!row.inContext || calls.length === 0) return [row];
    const answered = results(rows.slice(at + 1));
    const open = calls.filter(({ id }) => !answered.has(id));
    for (const { id } of calls) if (!open.some((call) => call.id === id)) called.add(id);
    return [row, ...open.map(({ id, name }) => closing(row, id, name))];
  });
}

const idsOfReturns = ({ parts }: ImportedMessage): readonly string[] =>
  parts.flatMap((part) => (part.type === 'tool_return' ? [part.toolCallId] : []));

const closing = (row: ImportedMessage, id: string, name: string): ImportedMessage => ({
  ...row,
  id: newId('message'),
  fileId: null,
  role: 'tool',
  name: null,
  otid: null,
  parts: [
    toReturn({
      name,
      id,
      isOk: false,
      result: 'This call had no result when the agent was written to its file.',
    }),
  ],
});
