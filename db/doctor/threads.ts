import { finding, type Finding } from '../../domain/doctor';
import { findGaps } from '../../domain/whole-transcript';
import { closeAbandonedCalls, closeDangling, findAbandonedCalls } from '../mend-thread';
import { readContext } from '../read-context';
import { inTransaction, type Pool, type Queryable } from '../pool';

/** Calls without results and results without calls, in every thread of an agent. */
export async function examineThreads(db: Queryable, agentId: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const { rows } = await db.query<{ id: string }>(
    `select id from conversations where agent_id = $1 order by id`,
    [agentId],
  );
  for (const { id } of rows) {
    findings.push(...(await examineContext(db, id)), ...(await examineAbandoned(db, id)));
  }
  return findings;
}

async function examineContext(db: Queryable, conversationId: string): Promise<readonly Finding[]> {
  const { dangling, orphaned } = findGaps(await readContext(db, conversationId));
  return [
    ...dangling.map(({ message: { id: messageId, runId, stepId }, call }) =>
      finding(
        'orphaned_tool_call',
        { conversationId, runId, stepId, messageId, toolCallId: call.id },
        `The model reads a call of ${call.name} that has no result.`,
      ),
    ),
    ...orphaned.map(({ message: { id: messageId, runId, stepId }, part }) =>
      finding(
        'orphaned_tool_return',
        { conversationId, runId, stepId, messageId, toolCallId: part.toolCallId },
        `The thread holds a result of ${part.name} for a call that is not there or has its result already.`,
      ),
    ),
  ];
}

async function examineAbandoned(db: Queryable, conversationId: string): Promise<readonly Finding[]> {
  return (await findAbandonedCalls(db, conversationId)).flatMap(({ callIds, isRequest, ...place }) =>
    callIds.map((toolCallId) =>
      isRequest
        ? finding(
            'orphaned_approval_request',
            { ...pick(place), toolCallId },
            'A request for approval has lost its step or its turn, so nobody can answer it.',
          )
        : finding(
            'abandoned_tool_call',
            { ...pick(place), toolCallId },
            'A turn is over and has left a call without a result; the model has not read it.',
          ),
    ),
  );
}

const pick = ({ conversationId, runId, stepId, messageId }: Parameters<typeof finding>[1]) => ({
  conversationId,
  runId,
  stepId,
  messageId,
});

/** Mends one thread. Results are stored under ids that are a function of their call, so a repeat stores nothing. */
export async function repairThread(pool: Pool, conversationId: string): Promise<void> {
  await closeAbandonedCalls(pool, conversationId);
  await inTransaction(pool, async (db) => {
    const { dangling, orphaned } = findGaps(await readContext(db, conversationId));
    await closeDangling(db, dangling);
    // A message with several results stays while one of them has its call; the prompt leaves the others out.
    const parts = orphaned.map(({ part }) => part);
    const ids = orphaned.flatMap(({ message }) =>
      message.parts.every((part) => part.type !== 'tool_return' || parts.includes(part)) ? [message.id] : [],
    );
    await db.query(`update messages set in_context = false where id = any($1)`, [ids]);
  });
}
