import type { ActivityDeps } from '../activities/deps';
import type { TurnClient } from '../api/turn-client';
import type { ToolEffects } from '../domain/tool';
import type { OpenedTool } from '../domain/turn-state';
import type { PlannedCall, ToolKey } from '../domain/turn';
import type { TurnStore } from '../domain/turn-store';
import type { BoundaryName, Hit } from './boundaries';

/** Tells the coordinator where this process is, and waits until it may go on. */
export type Failpoint = (hit: Hit) => Promise<void>;

/** What the activities touch, with a failpoint at each boundary of a model call, a tool call and a turn. */
export function withFailpoints(deps: ActivityDeps, reach: Failpoint): ActivityDeps {
  const calls = createCallMemory();
  const watched = {
    ...deps.turns,
    ...atModel(deps.turns, reach, calls),
    ...atTools(deps.turns, reach, calls),
  };
  return { ...deps, turns: watched };
}

type ModelSide = Pick<TurnStore, 'openStep' | 'appendDeltas' | 'saveReply' | 'answerApproval'>;

function atModel(turns: TurnStore, reach: Failpoint, calls: CallMemory): ModelSide {
  const queued = new Set<string>();
  const atStep = (boundary: BoundaryName, { runId, step }: { runId: string; step: number }) =>
    reach({ boundary, runId, step, effects: null, key: null });
  return {
    async openStep(key) {
      await atStep(queued.delete(key.runId) ? 'next-turn-before-step' : 'model-before-claim', key);
      const claimed = await turns.openStep(key);
      if ('opened' in claimed) await atStep('model-claimed', key);
      else calls.remember(key, claimed.stored.calls);
      return claimed;
    },
    async appendDeltas(step, events, batch) {
      await turns.appendDeltas(step, events, batch);
      await atStep('model-mid-stream', step);
    },
    async saveReply(step, reply) {
      await atStep(reply.stopReason === null ? 'model-reply-received' : 'turn-before-close', step);
      const outcome = await turns.saveReply(step, reply);
      calls.remember(step, outcome.calls);
      if (outcome.end?.next) queued.add(outcome.end.next.runId);
      await atStep(outcome.end ? 'turn-closed' : 'model-reply-stored', step);
      return outcome;
    },
    async answerApproval(runId) {
      await atStep('approval-before-answer', { runId, step: 0 });
      const answered = await turns.answerApproval(runId);
      if (answered.calls) calls.remember({ runId: answered.askedBy, step: answered.step }, answered.calls);
      await atStep('approval-answered', { runId, step: 0 });
      return answered;
    },
  };
}

type ToolSide = Pick<TurnStore, 'openTool' | 'saveToolResult' | 'runTransactionalTool' | 'settleTool'>;

function atTools(turns: TurnStore, reach: Failpoint, calls: CallMemory): ToolSide {
  // The class that the tool declares, also where the plan of a call has forgotten it (`withoutLedger`).
  const atCall = (boundary: BoundaryName, { runId, step, effects, key, tool }: OpenedTool) =>
    reach({ boundary, runId, step, effects: tool?.effects ?? effects, key });
  return {
    async openTool(key) {
      const { runId, step } = key;
      await reach({ boundary: 'tool-before-claim', runId, step, effects: calls.effectsOf(key), key: null });
      const claimed = await turns.openTool(key);
      if ('opened' in claimed) await atCall('tool-claimed', claimed.opened);
      return claimed;
    },
    async saveToolResult(tool, outcome) {
      await atCall('tool-effect-done', tool);
      const done = await turns.saveToolResult(tool, outcome);
      await atCall('tool-result-stored', tool);
      return done;
    },
    async runTransactionalTool(tool, run) {
      const done = await turns.runTransactionalTool(tool, async (memory) => {
        const outcome = await run(memory);
        await atCall('tool-effect-done', tool);
        return outcome;
      });
      await atCall('tool-result-stored', tool);
      return done;
    },
    async settleTool(key, hasProbe) {
      const { runId, step } = key;
      await reach({ boundary: 'tool-before-verdict', runId, step, effects: null, key: null });
      const settled = await turns.settleTool(key, hasProbe);
      await reach({ boundary: 'tool-verdict-stored', runId, step, effects: null, key: null });
      return settled;
    },
  };
}

/** The API's way to Temporal, with a failpoint before and after a turn is started. */
export function withStartFailpoints(turns: TurnClient, reach: Failpoint): TurnClient {
  const at = (boundary: BoundaryName, runId: string) =>
    reach({ boundary, runId, step: 0, effects: null, key: null });
  return {
    ...turns,
    async start(turn, hint) {
      await at('api-run-minted', turn.runId);
      await turns.start(turn, hint);
      await at('api-run-started', turn.runId);
    },
  };
}

/** A store whose ledger has forgotten its classes: every call may be repeated. It shows that the kit sees duplicates. */
export function withoutLedger(deps: ActivityDeps): ActivityDeps {
  const { turns } = deps;
  const repeatable = (call: PlannedCall): PlannedCall =>
    call.effects === 'once' ? { ...call, effects: 'read' } : call;
  const forgetful: TurnStore = {
    ...turns,
    saveReply: (step, reply) => turns.saveReply(step, { ...reply, calls: reply.calls.map(repeatable) }),
  };
  return { ...deps, turns: forgetful };
}

type CallMemory = ReturnType<typeof createCallMemory>;

function createCallMemory() {
  const classes = new Map<string, ToolEffects>();
  const nameOf = (runId: string, step: number, index: number) => `${runId}/${step}/${index}`;
  return {
    remember({ runId, step }: { runId: string; step: number }, calls: readonly PlannedCall[] | undefined) {
      for (const { index, effects } of calls ?? []) classes.set(nameOf(runId, step, index), effects);
    },
    effectsOf: ({ runId, askedBy = runId, step, index }: ToolKey): ToolEffects | null =>
      classes.get(nameOf(askedBy, step, index)) ?? null,
  };
}
