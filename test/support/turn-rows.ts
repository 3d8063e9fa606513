import { attachBlock, attachTools } from '../../db/agent-attachments';
import type { Pool } from '../../db/pool';
import { ensureBuiltinTools, findToolsByName } from '../../db/tools';
import type { MessagePart } from '../../domain/message';
import { planStep } from '../../domain/plan-step';
import { memorySeen } from '../../domain/prompt';
import type { StopReason } from '../../domain/run';
import type { ToolEffects, ToolOutcome } from '../../domain/tool';
import type { PlannedCall } from '../../domain/turn';
import type { TurnStore } from '../../domain/turn-store';
import type { OpenedStep, OpenedTool, ReplyToSave } from '../../domain/turn-state';
import { newId } from '../../new-id';
import { builtinTools } from '../../tools/registry';
import { insertAgent, insertRun } from './rows';

/** An agent with one block and the memory and search tools, as the API leaves it. */
export async function insertAgentWithMemory(
  db: Pool,
  { value = 'start', blockId }: { readonly value?: string; readonly blockId?: string } = {},
): Promise<{ readonly id: string; readonly blockId: string }> {
  const id = await insertAgent(db);
  await ensureBuiltinTools(db, builtinTools);
  const tools = await findToolsByName(db, ['memory_insert', 'conversation_search', 'run_code']);
  await attachTools(db, id, tools.map((tool) => tool.id)); // prettier-ignore
  const attached = blockId ?? (await insertMemoryBlock(db, value));
  await attachBlock(db, id, { id: attached, label: 'human' });
  const { rows } = await db.query<{ version: number }>(`select version from blocks where id = $1`, [
    attached,
  ]);
  const seen = memorySeen([{ id: attached, label: 'human', version: rows[0]!.version }]);
  await db.query(`update conversations set memory_seen = $2 where id = $1`, [id, JSON.stringify(seen)]);
  return { id, blockId: attached };
}

async function insertMemoryBlock(db: Pool, value: string): Promise<string> {
  const id = newId('block');
  await db.query(`insert into blocks (id, label, value) values ($1, 'human', $2)`, [id, value]);
  return id;
}

/** A run that waits for its workflow, with one user message. */
export function insertWaitingRun(
  db: Pool,
  agentId: string,
  text = 'Hi',
  columns: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const message = { id: newId('message'), role: 'user', parts: [{ type: 'text', text }], name: null, otid: null, senderId: null }; // prettier-ignore
  const request = { messages: [message], overrideModel: null, overrideSystem: null, approvals: null };
  return insertRun(db, agentId, {
    status: 'created',
    stop_reason: null,
    request: JSON.stringify(request),
    ...columns,
  });
}

/** Claims a step that nobody has closed. */
export async function opened(turns: TurnStore, runId: string, step = 0): Promise<OpenedStep> {
  const claimed = await turns.openStep({ runId, step });
  if ('stored' in claimed) throw new Error(`step ${step} is closed: ${JSON.stringify(claimed.stored)}`);
  return claimed.opened;
}

/** Claims a call that nobody has closed. */
export async function openedTool(turns: TurnStore, runId: string, index = 0, step = 0): Promise<OpenedTool> {
  const claimed = await turns.openTool({ runId, step, index });
  if ('done' in claimed) throw new Error(`call ${index} is closed: ${JSON.stringify(claimed.done)}`);
  return claimed.opened;
}

/** A reply as callModel would store it: with calls, or with a text that ends the turn. */
export function replyTo(
  step: OpenedStep,
  {
    text = 'Hello.',
    calls = [],
    stopReason = calls.length === 0 ? 'end_turn' : null,
  }: { text?: string; calls?: readonly ToolEffects[]; stopReason?: StopReason | null } = {},
): ReplyToSave {
  const plan = planStep(step, {
    now: new Date(0),
    noteId: newId('message'),
    skillsNoteId: newId('message'),
    folderNoteId: 'message-folders',
  });
  const names = {
    transactional: 'memory_insert',
    read: 'conversation_search',
    once: 'run_code',
    idempotent: 'x',
  };
  const made = calls.map((effects, index): MessagePart => ({
    type: 'tool_call',
    id: `call_${step.step}_${index}`,
    name: names[effects],
    arguments: '{}',
  }));
  const planned = calls.map((effects, index): PlannedCall => ({
    index,
    name: names[effects],
    effects,
    parallel: true,
  }));
  const id = newId('message');
  const reply = { id, role: 'assistant', parts: [{ type: 'text', text }, ...made], name: null, otid: null, senderId: null, inContext: calls.length === 0 } as const; // prettier-ignore
  return {
    messages: [...plan.newMessages, reply],
    replyMessageId: id,
    events: [{ type: 'message', messageId: id, fragment: 0 }],
    reply: { parts: [], finishReason: 'stop', usage: USAGE, responseId: null },
    model: {
      handle: 'openai/gpt-4.1',
      name: 'gpt-4.1',
      endpoint: 'x',
      providerName: 'openai',
      providerCategory: 'base',
      contextWindow: 1,
    },
    promptMarks: null,
    promptPrefixShare: null,
    llmNs: 1,
    firstTokenAt: null,
    memorySeen: plan.memorySeen,
    stopReason,
    calls: planned,
    isFull: false,
  };
}

const USAGE = { promptTokens: 1, completionTokens: 1, totalTokens: 2, cachedInputTokens: null, cacheWriteTokens: null, reasoningTokens: null }; // prettier-ignore

export const succeeded = (result: string): ToolOutcome => ({
  status: 'success',
  result,
  stdout: null,
  stderr: null,
});
