import type { TurnStore } from '../domain/turn-store';
import { AppError } from '../domain/errors';
import { answerApproval } from './approvals';
import { beginResponse, findBegunResponse, forgetResponse } from './begun-response';
import { expireApproval } from './expire-approval';
import { closeRun } from './close-run';
import { createContextCache, type ContextCache } from './context-cache';
import { findNextTurn } from './end-run';
import { openStep } from './open-step';
import { readInbox } from './inbox';
import { toJsonb } from './json';
import { outlastRestart } from './outlast-restart';
import { inTransaction, type Pool } from './pool';
import { appendRewind } from './rewind';
import { appendDeltaBatch } from './run-events';
import { saveReply } from './save-reply';
import {
  keepLateResult,
  openLostTool,
  openTool,
  runTransactionalTool,
  saveProbe,
  saveToolResult,
  settleTool,
} from './tool-ledger';

/**
 * The turn's durable state on Postgres. `worker` is the presence of the process that runs tools through it; `contexts` is
 * what it keeps of what it read.
 */
export function createTurnStore(
  pool: Pool,
  worker: number | null = null,
  contexts: ContextCache = createContextCache(pool),
): TurnStore {
  return {
    async openStep(key) {
      const claimed = await openStep(pool, contexts, key);
      if (!('opened' in claimed)) return claimed;
      const { opened, inbox } = claimed;
      const begun = opened.attempt > 1 ? await findBegunResponse(pool, opened) : null;
      if (opened.attempt > 1 && !begun) await appendRewind(pool, opened);
      const steered = await readInbox(pool, opened, { ...inbox, takesNew: !begun });
      return { opened: { ...opened, steered, ...(begun && { begun }) } };
    },
    async appendDeltas(step, events, batch) {
      if (await outlastRestart(() => appendDeltaBatch(pool, step, events, batch))) return;
      throw new AppError('SUPERSEDED', `attempt ${step.attempt} of ${step.stepId} is not the current one`);
    },
    saveReply: (step, reply) => outlastRestart(() => saveReply(pool, step, reply)),
    beginResponse: (step, responseId) => outlastRestart(() => beginResponse(pool, step, responseId)),
    loseResponse: (step) =>
      inTransaction(pool, async (db) => {
        await appendRewind(db, step);
        await forgetResponse(db, step);
      }),
    async saveStepError(step, error) {
      await pool.query(`update steps set error = $3 where id = $1 and attempt = $2 and status = 'pending'`, [
        step.stepId,
        step.attempt,
        toJsonb(error),
      ]);
    },
    openTool: (key) => openTool(pool, key, worker),
    saveToolResult: (tool, outcome) => saveToolResult(pool, tool, outcome),
    runTransactionalTool: (tool, run) => runTransactionalTool(pool, tool, run),
    answerApproval: (runId) => answerApproval(pool, runId),
    expireApproval: (messageId) => expireApproval(pool, messageId),
    keepLateResult: (tool, outcome) => keepLateResult(pool, tool, outcome),
    settleTool: (key, hasProbe) => settleTool(pool, key, hasProbe),
    openLostTool: (key) => openLostTool(pool, key),
    saveProbe: (tool, probed) => saveProbe(pool, tool, probed),
    closeRun: (input) => closeRun(pool, input),
    findNextTurn: (conversationId) => findNextTurn(pool, conversationId),
  };
}
