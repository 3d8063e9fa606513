import type { Message } from './message';
import { revisionOf, type MemorySeen, textOf } from './prompt';
import type { OpenedStep } from './turn-state';

/**
 * A step of an agent that clears its buffer: of its thread it reads the system message and the turn in progress. Memory
 * that the system message does not show counts as never seen, because the notes that told of it are forgotten too.
 */
export function asOneTurn(step: OpenedStep): OpenedStep {
  const [system, ...rest] = step.context;
  if (system?.role !== 'system') return { ...step, context: turnOf(step.context, step) };
  const shown = textOf(system.parts);
  const seen = step.blocks.filter(({ value }) => shown.includes(`<value>\n${value}\n</value>`));
  const memorySeen: MemorySeen = Object.fromEntries(seen.map((block) => [block.label, revisionOf(block)]));
  return { ...step, memorySeen, context: [system, ...turnOf(rest, step)] };
}

/** The messages of the turn. One that goes on from answers began where its user last spoke, in an earlier run. */
function turnOf(
  messages: readonly Message[],
  { runId, request }: Pick<OpenedStep, 'runId' | 'request'>,
): readonly Message[] {
  const own = messages.findIndex((message) => message.runId === runId);
  if (request.approvals === null) return own === -1 ? [] : messages.slice(own);
  const before = own === -1 ? messages : messages.slice(0, own);
  const asked = before.findLast(({ role }) => role === 'user')?.runId;
  const start = messages.findIndex((message) => message.runId === asked);
  return asked === undefined || start === -1 ? messages.slice(own) : messages.slice(start);
}
