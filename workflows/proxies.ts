import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { Activities } from '../activities';
import type { ToolRunInput } from '../domain/tool-run';
import type { CompactDone, CompactKey } from '../domain/compaction';
import type { ModelKey, PlannedCall, StepOutcome, ToolDone, ToolKey } from '../domain/turn';

// Every timeout and every retry, and nothing else. Heartbeats say that the worker lives, not that work advances. A
// model that fails is given up after MODEL_ATTEMPTS by the activity itself; the many attempts here outlast a database
// or a worker that is away for minutes. What a tool may repeat depends on its effects.
const CANCEL = { cancellationType: ActivityCancellationType.TRY_CANCEL } as const;

const MODEL: ActivityOptions = {
  ...CANCEL,
  startToCloseTimeout: '10m',
  heartbeatTimeout: '1500ms',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '2s', maximumAttempts: 300 },
};

const REPEATABLE: ActivityOptions = {
  ...CANCEL,
  startToCloseTimeout: '2m',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: '1500ms',
  retry: { initialInterval: '200ms', maximumInterval: '2s', maximumAttempts: 300 },
};

const TOOL: Readonly<Record<PlannedCall['effects'], ActivityOptions>> = {
  read: REPEATABLE,
  idempotent: REPEATABLE,
  transactional: {
    ...CANCEL,
    startToCloseTimeout: '10s',
    heartbeatTimeout: '1500ms',
    retry: { initialInterval: '100ms', maximumInterval: '2s', maximumAttempts: 300 },
  },
  // What settles it tells a dead worker from one that Temporal only lost sight of.
  once: { ...CANCEL, startToCloseTimeout: '10m', heartbeatTimeout: '1500ms', retry: { maximumAttempts: 1 } },
};

// More attempts than the ten minutes for which a worker that lives is waited for.
const VERDICT: ActivityOptions = {
  ...TOOL.transactional,
  retry: { initialInterval: '100ms', maximumInterval: '2s', maximumAttempts: 400 },
};

const { callModel: askModel, compact: compactNow } =
  proxyActivities<Pick<Activities, 'callModel' | 'compact'>>(MODEL);
const { executeTool: runTool, runToolByHand: runByHand } = proxyActivities<
  Pick<Activities, 'executeTool' | 'runToolByHand'>
>(TOOL.once);

/** One model call. The summary shown to operators names the step, never content. */
export const callModel = (key: ModelKey): Promise<StepOutcome> =>
  askModel.executeWithOptions({ ...MODEL, summary: `step ${key.step}` }, [key]);

/** One compaction of the context, at most three calls of a summarizer. */
export const compact = (key: CompactKey): Promise<CompactDone> =>
  compactNow.executeWithOptions({ ...MODEL, summary: `step ${key.step}: ${key.trigger}` }, [key]);

/** One tool call, with the timeouts and retries that its effects allow. */
export const executeTool = (key: ToolKey, call: PlannedCall): Promise<ToolDone> =>
  runTool.executeWithOptions({ ...TOOL[call.effects], summary: `step ${key.step}: ${call.name}` }, [key]);

/** Asks a lost call's tool what became of it. A probe only reads; one that gives no answer in time knows nothing. */
export const { probeTool } = proxyActivities<Pick<Activities, 'probeTool'>>({
  ...CANCEL,
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '30s',
  heartbeatTimeout: '1500ms',
  retry: { initialInterval: '200ms', maximumInterval: '2s' },
});

/** A call made by hand, with the same timeouts and retries as in a turn. */
export const runToolByHand = ({ id, effects }: ToolRunInput): Promise<void> =>
  runByHand.executeWithOptions(TOOL[effects], [id]);

/** The verdict on a call by hand that may act once and whose only attempt failed with `code`. */
export const settleToolByHand = (id: string, code: string): Promise<void> =>
  runByHand.executeWithOptions(VERDICT, [{ id, code }]);

/** Messages between agents: posted, answered and called off in Postgres. No activity waits for an answer. */
export const { sendToAgents, collectReplies, cancelAgents } = proxyActivities<
  Pick<Activities, 'sendToAgents' | 'collectReplies' | 'cancelAgents'>
>({
  startToCloseTimeout: '10s',
  heartbeatTimeout: '1500ms',
  retry: { initialInterval: '100ms', maximumInterval: '2s', maximumAttempts: 300 },
});

/** One batch of a change of model. A model that is away is waited for, however long. */
export const { reembedBatch } = proxyActivities<Pick<Activities, 'reembedBatch'>>({
  ...CANCEL,
  startToCloseTimeout: '5m',
  heartbeatTimeout: '5s',
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** Bookkeeping that must happen whatever else failed: closing runs and tool calls, finding the next message. */
export const { answerApproval, expireApproval, closeRun, settleTool, findNextTurn, nextUndo } =
  proxyActivities<
    Pick<
      Activities,
      'answerApproval' | 'expireApproval' | 'closeRun' | 'settleTool' | 'findNextTurn' | 'nextUndo'
    >
  >({
    startToCloseTimeout: '10s',
    heartbeatTimeout: '1500ms',
    retry: { initialInterval: '100ms', maximumInterval: '2s', maximumAttempts: 300 },
  });
