import type { StoredRunEvent } from '../../db/run-events';
import { otidOf } from '../../domain/ids';
import type { Message } from '../../domain/message';
import { fragmentsOf } from '../../domain/message-fragments';
import { seenWith } from '../../domain/message-view';
import type { RunEvent } from '../../domain/run-event';
import type { RunUsage } from '../../domain/usage';
import { toWireCompactionEvent } from './compaction';
import { toWireSeconds } from './dates';
import { isIncluded, type MessageOptions, toWireMessage } from './message';
import { asciiJson } from './python-json';
import { toWireErrorMessage } from './run';
import { toWireStopReason, toWireUsage } from './usage';

/** What frames need to know beside their event. */
export interface FrameContext extends MessageOptions {
  readonly runId: string;
  /** Frames of background runs are numbered, so that a client can ask for what follows; others carry null. */
  readonly background: boolean;
  /** Read when the run has ended; null sends no statistics. */
  readonly usage: RunUsage | null;
}

/** One frame without a name: the only kind besides `error` that Letta's SDKs pass on. */
const dataFrame = (data: unknown): string => `data: ${asciiJson(data)}\n\n`;
/** A frame with a name. SDKs drop all of them but `error`, which they throw. */
const namedFrame = (name: string, data: unknown): string => `event: ${name}\n${dataFrame(data)}`;
/** What ends every stream. */
const DONE_FRAME = 'data: [DONE]\n\n';

/**
 * The SSE frames of one stored event, as raw text. A pure function of what is stored: a replay sends the same bytes.
 * An event whose message is gone, or whose type the client did not ask for, has none.
 */
export function toFrames(
  { seq, event, createdAt }: StoredRunEvent,
  messages: ReadonlyMap<string, Message>,
  context: FrameContext,
): string[] {
  const seqId = context.background ? seq : null;
  switch (event.type) {
    case 'message':
      return messageFrames(event, messages, { ...context, seqId });
    case 'run-end':
      return endFrames(event, { ...context, seqId });
    case 'rewind': {
      const { fromSeq, stepId } = event;
      const data = {
        message_type: 'rewind',
        run_id: context.runId,
        step_id: stepId,
        from_seq_id: fromSeq,
        seq_id: seqId,
      };
      return [namedFrame('rewind', data)];
    }
    case 'effect-resolved': {
      const { key, toolCallId, messageId, resolution, status } = event;
      const data = {
        message_type: 'effect_resolved',
        run_id: context.runId,
        key,
        tool_call_id: toolCallId,
        message_id: messageId,
        resolution,
        status,
        seq_id: seqId,
      };
      return [namedFrame('effect_resolved', data)];
    }
    case 'compaction': {
      const { ofStep: stepId, type: _, ...facts } = event;
      const data = toWireCompactionEvent({ ...facts, stepId, runId: context.runId, at: createdAt, seqId });
      return isIncluded(data.message_type, context.includeTypes) ? [dataFrame(data)] : [];
    }
    case 'receipt':
      return receiptFrames(event, { ...context, seqId });
    default: {
      const data = toWireDelta(event, { date: toWireSeconds(createdAt), seqId, runId: context.runId });
      return isIncluded(data.message_type, context.includeTypes) ? [dataFrame(data)] : [];
    }
  }
}

type Delta = Extract<RunEvent, { type: `${string}-delta` }>;
type Numbered<T> = T & { readonly seqId: number | null };

function toWireDelta(event: Delta, { date, seqId, runId }: Numbered<{ date: string; runId: string }>) {
  const { type, otid, body } = deltaBody(event);
  return {
    id: event.messageId,
    date,
    name: null,
    message_type: type,
    otid,
    sender_id: null,
    step_id: event.stepId,
    is_err: null,
    seq_id: seqId,
    run_id: runId,
    ...body,
  };
}

function deltaBody(event: Delta) {
  const otid = otidOf(event.messageId, event.index);
  if (event.type === 'text-delta') return { type: 'assistant_message', otid, body: { content: event.text } };
  if (event.type === 'reasoning-delta') {
    const body = { source: 'reasoner_model', reasoning: event.text, signature: null };
    return { type: 'reasoning_message', otid, body };
  }
  if (event.approval) {
    const call = { name: event.name ?? null, arguments: event.arguments ?? null, tool_call_id: event.callId };
    return {
      type: 'approval_request_message',
      otid: event.messageId,
      body: { tool_call: call, tool_calls: call },
    };
  }
  // JSON leaves out what is undefined: deltas of tool calls, unlike those of approvals, omit what they do not bring.
  const call = { name: event.name, arguments: event.arguments, tool_call_id: event.callId };
  return { type: 'tool_call_message', otid, body: { tool_call: call, tool_calls: call } };
}

function messageFrames(
  { messageId, fragment }: Extract<RunEvent, { type: 'message' }>,
  messages: ReadonlyMap<string, Message>,
  { includeTypes, speaker, seqId }: Numbered<FrameContext>,
): string[] {
  const stored = messages.get(messageId);
  const message = stored && seenWith(asFirstTold(stored), speaker);
  const shown = message && fragmentsOf(message)[fragment];
  if (!shown) return [];
  const wire = toWireMessage(message, shown, seqId);
  return isIncluded(wire.message_type, includeTypes) ? [dataFrame(wire)] : [];
}

/** One frame for each message that is read now. */
const receiptFrames = (
  { messages, strategy, seenAtStep, joinedRunId }: Extract<RunEvent, { type: 'receipt' }>,
  { runId, seqId }: Numbered<FrameContext>,
): string[] =>
  messages.map(({ id, otid }) =>
    namedFrame('receipt', {
      message_type: 'receipt',
      run_id: runId,
      message_id: id,
      otid,
      strategy,
      seen_at_step: seenAtStep,
      ...(joinedRunId !== undefined && { joined_run_id: joinedRunId }),
      seq_id: seqId,
    }),
  );

// What became known of a tool call later has an event of its own, so that a replay sends the same bytes.
function asFirstTold(message: Message): Message {
  if (message.role !== 'tool') return message;
  const parts = message.parts.map((part) => {
    if (part.type !== 'tool_return') return part;
    const { resolution: _, ...told } = part;
    return told;
  });
  return { ...message, parts };
}

function endFrames(
  { stopReason, error }: Extract<RunEvent, { type: 'run-end' }>,
  { runId, usage, seqId }: Numbered<FrameContext>,
): string[] {
  const stop = dataFrame(toWireStopReason(stopReason));
  if (error) return [stop, namedFrame('error', toWireErrorMessage(runId, error, seqId)), DONE_FRAME];
  return [stop, ...(usage ? [dataFrame(toWireUsage(usage))] : []), DONE_FRAME];
}

interface Ping {
  readonly runId: string;
  readonly background: boolean;
  readonly date: Date;
}

/** The first frame of every stream; it names the run. Pass the run's creation time, so that a replay sends the same. */
export const openingPing = (ping: Ping): string => pingFrame(ping, OPENING_SEQ);

/** Keeps a silent connection open. `lastSeq` is the number of the frame before it. */
export const keepalivePing = (ping: Ping & { readonly lastSeq: number }): string =>
  pingFrame(ping, ping.lastSeq);

/** The number of the opening ping. Run events are numbered from the next one on. */
export const OPENING_SEQ = 1;

function pingFrame({ runId, background, date }: Ping, seq: number): string {
  return dataFrame({
    id: runId.replace(/^run-/, 'ping-'),
    date: toWireSeconds(date),
    name: null,
    message_type: 'ping',
    otid: null,
    sender_id: null,
    step_id: null,
    is_err: null,
    seq_id: background ? seq : null,
    run_id: runId,
  });
}
