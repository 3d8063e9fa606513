import type { UndoPlan } from '../../db/undo';
import { undoReasonOf, undoStateOf } from '../../domain/undo';
import { toWireMicros } from './dates';

/** What undoing a run would do, or does; its calls newest first. */
export const toWireUndo = ({ runId, askedAt, calls }: UndoPlan) => ({
  run_id: runId,
  status: askedAt === null ? 'idle' : 'undoing',
  requested_at: askedAt && toWireMicros(askedAt),
  calls: calls.map((call) => ({
    key: call.effect.key,
    tool_name: call.effect.toolName,
    tool_call_id: call.effect.toolCallId,
    arguments: call.effect.arguments,
    result: call.effect.result?.result ?? null,
    undo_tool: call.undoName,
    state: undoStateOf(call),
    reason: undoReasonOf(call),
    undo_result: call.attempt?.outcome?.result ?? null,
    undone_at:
      undoStateOf(call) === 'undone' && call.attempt?.finishedAt
        ? toWireMicros(call.attempt.finishedAt)
        : null,
  })),
});
