import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { Activities } from '../activities';
import type { ToolRunInput } from '../domain/tool-run';
import type { PlannedCall, StepKey, StepOutcome, ToolDone, ToolKey } from '../domain/turn';

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
  once: { ...CANCEL, startToCloseTimeout: '10m', heartbeatTimeout: '30s', retry: { maximumAttempts: 1 } },
};

const { callModel: askModel } = proxyActivities<Pick<Activities, 'callModel'>>(MODEL);
const { executeTool: runTool, runToolByHand: runByHand } = proxyActivities<
  Pick<Activities, 'executeTool' | 'runToolByHand'>
>(TOOL.once);

/** One model call. The summary shown to operators names the step, never content. */
export const callModel = (key: StepKey): Promise<StepOutcome> =>
  askModel.executeWithOptions({ ...MODEL, summary: `step ${key.step}` }, [key]);

/** One tool call, with the timeouts and retries that its effects allow. */
export const executeTool = (key: ToolKey, call: PlannedCall): Promise<ToolDone> =>
  runTool.executeWithOptions({ ...TOOL[call.effects], summary: `step ${key.step}: ${call.name}` }, [key]);

/** A call made by hand, with the same timeouts and retries as in a turn. */
export const runToolByHand = ({ id, effects }: ToolRunInput): Promise<void> =>
  runByHand.executeWithOptions({ ...TOOL[effects] }, [id]);

/** Bookkeeping that must happen whatever else failed: closing runs and tool calls, finding the next message. */
export const { answerApproval, closeRun, settleTool, findNextTurn } = proxyActivities<
  Pick<Activities, 'answerApproval' | 'closeRun' | 'settleTool' | 'findNextTurn'>
>({
  startToCloseTimeout: '10s',
  heartbeatTimeout: '1500ms',
  retry: { initialInterval: '100ms', maximumInterval: '2s', maximumAttempts: 300 },
});
