import type { TurnStore } from '../domain/turn-store';
import { AppError } from '../domain/errors';
import { answerApproval } from './approvals';
import { closeRun } from './close-run';
import { findNextTurn } from './end-run';
import { openStep } from './open-step';
import type { Pool } from './pool';
import { appendRewind } from './rewind';
import { appendEventsOfAttempt } from './run-events';
import { saveReply } from './save-reply';
import { openTool, runTransactionalTool, saveToolResult, settleTool } from './tool-ledger';

/** The turn's durable state on Postgres. */
export function createTurnStore(pool: Pool): TurnStore {
  return {
    async openStep(key) {
      const claimed = await openStep(pool, key);
      if ('opened' in claimed && claimed.opened.attempt > 1) await appendRewind(pool, claimed.opened);
      return claimed;
    },
    async appendDeltas(step, events) {
      if (await appendEventsOfAttempt(pool, step, events)) return;
      throw new AppError('SUPERSEDED', `attempt ${step.attempt} of ${step.stepId} is not the current one`);
    },
    saveReply: (step, reply) => saveReply(pool, step, reply),
    async saveStepError(step, error) {
      await pool.query(`update steps set error = $3 where id = $1 and attempt = $2 and status = 'pending'`, [
        step.stepId,
        step.attempt,
        JSON.stringify(error),
      ]);
    },
    openTool: (key) => openTool(pool, key),
    saveToolResult: (tool, outcome) => saveToolResult(pool, tool, outcome),
    runTransactionalTool: (tool, run) => runTransactionalTool(pool, tool, run),
    answerApproval: (runId) => answerApproval(pool, runId),
    settleTool: (key) => settleTool(pool, key),
    closeRun: (input) => closeRun(pool, input),
    findNextTurn: (conversationId) => findNextTurn(pool, conversationId),
  };
}
