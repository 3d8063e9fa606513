import { cutArguments, MAX_CALLS, nameInHistory, refusalBeyondLimits } from './call-limits';
import { fragmentsOf } from './message-fragments';
import type { MessagePart, ToolCallPart } from './message';
import { seenWith } from './message-view';
import type { ModelEvent, ModelReply } from './model';
import { toNote, type StepPlan } from './plan-step';
import type { StopReason } from './run';
import { createSpokenText } from './spoken-text';
import type { RunEvent } from './run-event';
import {
  constraintError,
  missingBeforeExit,
  missingBeforeExitNote,
  needsApproval,
  prefilledArguments,
} from './tool-rules';
import { prefilledProblem } from './prefilled-arguments';
import type { PlannedCall } from './turn';
import type { NewMessage } from './turn-state';

/** What a reply means for the turn. */
export interface ReadReply {
  /** The reply as a message, and a note to the model when it may not end the turn yet. */
  readonly messages: readonly NewMessage[];
  /** What watchers see of it when they did not see its deltas. */
  readonly events: readonly RunEvent[];
  /** Null lets the turn go on, with or without calls. */
  readonly stopReason: StopReason | null;
  readonly calls: readonly PlannedCall[];
}

/**
 * Decides from a reply how the turn goes on: run its tools, wait for a human, ask again, or end. A call outside the
 * allowed tools is answered with the reason instead of being run.
 */
export function readReply({
  plan,
  reply,
  messageId,
  noteId,
}: {
  readonly plan: StepPlan;
  readonly reply: ModelReply;
  readonly messageId: string;
  readonly noteId: string;
}): ReadReply {
  const made = reply.parts.filter((part) => part.type === 'tool_call');
  // A reply that was cut off may hold half a call: none of its calls is made.
  const counted = reply.finishReason === 'length' ? [] : made.slice(0, plan.isParallel ? MAX_CALLS : 1);
  const parts = reply.parts
    .filter((part) => part.type !== 'tool_call' || counted.includes(part))
    .map((part) =>
      part.type === 'tool_call' ? markSpeaking(plan, withPrefilled(plan, cutArguments(part))) : part,
    );
  const callParts = parts.filter((part) => part.type === 'tool_call');
  const calls = callParts.map((call, index) => {
    const beyond = refusalBeyondLimits({ index, given: counted[index] ?? call, made: made.length });
    return planCall(plan, call, { index, beyond });
  });
  const waits = calls.some((call) => call.waits);
  const isFree = (part: MessagePart): part is ToolCallPart =>
    part.type === 'tool_call' && calls[callParts.indexOf(part)]?.waits !== true;
  const missing = calls.length === 0 && !plan.isLastStep ? missingBeforeExit(plan.rules) : [];
  const message: NewMessage = {
    id: messageId,
    role: waits ? 'approval_request' : 'assistant',
    // Beside calls that wait, one that needs no answer says so.
    parts: waits ? parts.map((part) => (isFree(part) ? { ...part, waits: false } : part)) : parts,
    name: null,
    otid: null,
    senderId: null,
    inContext: calls.length === 0,
  };
  return {
    messages: missing.length === 0 ? [message] : [message, toNote(noteId, missingBeforeExitNote(missing))],
    events: fragmentsOf(plan.showsCalls ? seenWith(message, null) : message).map((_, fragment) => ({
      type: 'message',
      messageId,
      fragment,
    })),
    stopReason: whyStop({ reply, calls, waits, missing }),
    calls,
  };
}

function whyStop({
  reply,
  calls,
  waits,
  missing,
}: {
  readonly reply: ModelReply;
  readonly calls: readonly PlannedCall[];
  readonly waits: boolean;
  readonly missing: readonly string[];
}): StopReason | null {
  if (waits) return 'requires_approval';
  if (calls.length > 0 || missing.length > 0) return null;
  return reply.finishReason === 'length' ? 'max_tokens_exceeded' : 'end_turn';
}

/** A call by which the agent speaks. One that waits for a human is shown as what it asks for. */
const markSpeaking = (plan: StepPlan, call: ToolCallPart): ToolCallPart =>
  speaks(plan, call.name) ? { ...call, speaks: true } : call;

const speaks = (plan: StepPlan, name: string): boolean =>
  !mustAsk(plan, name) && plan.offered.some((tool) => tool.name === name && tool.speaks === true);

function planCall(
  plan: StepPlan,
  call: ToolCallPart,
  { index, beyond }: { readonly index: number; readonly beyond: string | null },
): PlannedCall {
  const tool = plan.offered.find(({ name }) => name === call.name);
  const planned = {
    index,
    name: nameInHistory(call.name),
    effects: tool?.effects ?? 'read',
    parallel: tool?.enableParallelExecution ?? false,
  };
  if (beyond !== null) return { ...planned, refusal: beyond };
  const misfit = tool && prefilledProblem(tool.jsonSchema, prefilledArguments(plan.rules, call.name));
  if (misfit) return { ...planned, refusal: misfit };
  return {
    ...planned,
    ...(mustAsk(plan, call.name) && { waits: true }),
    ...(tool?.isClient && { isClient: true }),
    ...(tool?.asksAgents && { asksAgents: true }),
    ...(tool?.approvalExpiry && { expiry: tool.approvalExpiry }),
    // As in the original, a tool that the agent does not have is refused like one that it may not call now.
    ...(!tool && {
      refusal: constraintError(
        call.name,
        plan.offered.map(({ name }) => name),
      ),
    }),
  };
}

/** Arguments that a rule fixes replace the model's own in the call itself, so the transcript tells what ran. */
function withPrefilled(plan: StepPlan, call: ToolCallPart): ToolCallPart {
  const fixed = prefilledArguments(plan.rules, call.name);
  if (Object.keys(fixed).length === 0) return call;
  try {
    const given: unknown = JSON.parse(call.arguments || '{}');
    return { ...call, arguments: JSON.stringify({ ...(given as object), ...fixed }) };
  } catch {
    // Arguments that are not JSON are the model's mistake; the tool's answer tells it so.
    return call;
  }
}

/** Whether a human is asked first. A call that is refused anyway is nothing to ask about. */
const mustAsk = (plan: StepPlan, name: string): boolean =>
  plan.offered.some(
    (tool) => tool.name === name && (tool.requiresApproval || needsApproval(plan.rules.rules, name)),
  );

/**
 * Shows deltas to watchers as they come, leaving out calls that the turn will not make: without parallel calls only
 * the first one of a reply counts. The calls of a reply that wait are shown as one message, that of the first of them, and the others as another.
 */
export function createDeltaView({
  messageId,
  stepId,
  plan,
}: {
  readonly messageId: string;
  readonly stepId: string;
  readonly plan: StepPlan;
}): (event: ModelEvent) => RunEvent | null {
  const calls = new Map<string, { readonly approval?: true }>();
  const spoken = new Map<string, (delta: string) => string>();
  const firstIndex = { waits: -1, free: -1 };
  return (event) => {
    if (event.type !== 'tool-call-delta') return { ...event, messageId, stepId };
    if (!calls.has(event.id)) {
      if (calls.size >= (plan.isParallel ? MAX_CALLS : 1)) return null;
      calls.set(event.id, mustAsk(plan, event.name ?? '') ? { approval: true } : {});
      if (!plan.showsCalls && speaks(plan, event.name ?? '')) spoken.set(event.id, createSpokenText());
    }
    const speak = spoken.get(event.id);
    if (speak) {
      const text = speak(event.arguments ?? '');
      return text === '' ? null : { type: 'text-delta', index: event.index, text, messageId, stepId };
    }
    const { id, ...delta } = event;
    const kind = calls.get(id)?.approval ? 'waits' : 'free';
    if (firstIndex[kind] === -1) firstIndex[kind] = event.index;
    return { ...delta, index: firstIndex[kind], callId: id, messageId, stepId, ...calls.get(id) };
  };
}
