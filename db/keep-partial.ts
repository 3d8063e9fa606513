import type { MessagePart } from '../domain/message';
import type { RunEvent } from '../domain/run-event';
import type { TurnRequest } from '../domain/turn-request';
import type { Queryable } from './pool';
import { insertMessages } from './save-reply';

type Delta = Extract<RunEvent, { type: 'text-delta' | 'reasoning-delta' }>;

/**
 * Keeps what watchers have read of a reply that a cancellation cut off: one assistant message under the id that its
 * deltas had, behind the turn's input. Reads stored events only, so it does not matter whether the worker still lives.
 * A tool call that was not complete is dropped; a reply without text leaves nothing. Call it in the transaction that
 * has taken the step from whoever held it.
 */
export async function keepPartial(
  db: Queryable,
  { runId, stepId }: { readonly runId: string; readonly stepId: string },
): Promise<void> {
  const { rows } = await db.query<{ event: Delta }>(
    `select event from run_events
      where run_id = $1 and event ->> 'stepId' = $2 and event ->> 'type' in ('text-delta', 'reasoning-delta')
        and seq > (select coalesce(max(seq), 0) from run_events
                    where run_id = $1 and event ->> 'stepId' = $2 and event ->> 'type' = 'rewind')
      order by seq`,
    [runId, stepId],
  );
  const deltas = rows.map(({ event }) => event);
  const first = deltas.find(({ type }) => type === 'text-delta');
  if (!first) return;
  const run = await readRun(db, runId, stepId);
  if (!run) return;
  const input = run.index === 0 ? run.request.messages : [];
  const parts = toParts(deltas);
  const message = {
    id: first.messageId,
    role: 'assistant',
    parts,
    name: null,
    otid: null,
    senderId: null,
  } as const;
  await insertMessages(
    db,
    { conversationId: run.conversation_id, agentId: run.agent_id, runId, stepId },
    [...input, message].map((each) => ({ ...each, inContext: true })),
  );
  const characters = deltas.reduce((sum, { text }) => sum + text.length, 0);
  await db.query(
    `update steps set message_id = $2, lost_completion_tokens = lost_completion_tokens + $3 where id = $1`,
    [stepId, first.messageId, Math.ceil(characters / 4)],
  );
}

interface RunRow {
  readonly index: number;
  readonly agent_id: string;
  readonly conversation_id: string;
  readonly request: TurnRequest;
}

async function readRun(db: Queryable, runId: string, stepId: string): Promise<RunRow | undefined> {
  const { rows } = await db.query<RunRow>(
    `select s.index, r.agent_id, r.conversation_id, r.request from runs r join steps s on s.id = $2 where r.id = $1`,
    [runId, stepId],
  );
  return rows[0];
}

/** The deltas joined, each part where its first delta put it. */
function toParts(deltas: readonly Delta[]): readonly MessagePart[] {
  const indexes = [...new Set(deltas.map(({ index }) => index))].sort((a, b) => a - b);
  return indexes.map((index) => {
    const own = deltas.filter((delta) => delta.index === index);
    const text = own.map((delta) => delta.text).join('');
    return own[0]?.type === 'reasoning-delta'
      ? { type: 'reasoning', text, signature: null }
      : { type: 'text', text };
  });
}
