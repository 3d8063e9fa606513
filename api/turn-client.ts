import {
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../domain/errors';
import { TURN_WORKFLOW, turnWorkflowId, type TurnInput } from '../domain/turn';
import { TOOL_RUN_WORKFLOW, type ToolRunInput } from '../domain/tool-run';
import { UNDO_WORKFLOW } from '../domain/undo';
import { turnAttributes } from '../domain/turn-attributes';
import type { Closings } from './closings';
import { createFairQueue } from '../domain/fair-queue';

/** The only user of Temporal's client: starts, wakes and stops turns. */
export interface TurnClient {
  /**
   * Makes sure that a workflow takes the run: starts one, or tells the one that is busy with the conversation.
   * Throws `UNAVAILABLE` when Temporal stays away for 8 seconds.
   */
  start(turn: TurnInput, hint?: StartHint): Promise<void>;
  /** Starts a workflow for the run unless one holds its conversation or its start is under way here. True if it did. */
  startIfIdle(turn: TurnInput): Promise<boolean>;
  /** Whether a workflow holds the conversation at this moment. */
  isHeld(conversationId: string): Promise<boolean>;
  /** Asks the conversation's workflow to stop this run; nothing happens if it is over. */
  cancel(turn: Pick<TurnInput, 'runId' | 'conversationId'>): Promise<void>;
  /** Runs a stored call by hand and returns when its outcome is stored. */
  runTool(input: ToolRunInput): Promise<void>;
  /** Makes sure that a workflow runs a stored call by hand, and does not wait for it. */
  startTool(input: ToolRunInput): Promise<void>;
  /** Makes sure that a workflow undoes the run that was marked for it, and does not wait for it. */
  startUndo(runId: string): Promise<void>;
}

/** What was known of the conversation when the run was stored. */
export interface StartHint {
  /** A run of it was in progress: its workflow is told at once. */
  readonly isBusy: boolean;
  /** How long ago the agent's last run ended, in milliseconds; null if none did. */
  readonly endedMsAgo: number | null;
}

const GIVE_UP_MS = 8_000;
// A start that meets a workflow which is closing is tried again, and waits longer each time it fails.
const CLOSING_TRIES = 5;
// Temporal lets starts pass before the work of running turns, so a crowd of starts would hold those turns up for
// seconds. More at a time start no turn sooner: one history shard takes them one by one.
const STARTS_AT_A_TIME = 4;
// How long a workflow waits for a worker that died while it decided on the next activity; Temporal's default is 10 s.
const WORKFLOW_TASK_TIMEOUT = '2s';
// gRPC's UNAVAILABLE and DEADLINE_EXCEEDED.
const AWAY: readonly number[] = [14, 4];

interface TurnClientSettings {
  readonly taskQueue: string;
  /** The namespace has the search attributes of a turn; otherwise its ids are in the memo only. */
  readonly isSearchable: boolean;
  readonly closings: Closings;
}

export function createTurnClient(
  client: Client,
  { taskQueue, isSearchable, closings }: TurnClientSettings,
): TurnClient {
  async function startOrTell(turn: TurnInput, { isBusy, endedMsAgo }: StartHint): Promise<void> {
    if (!isBusy && endedMsAgo !== null) await closings.wait(turnWorkflowId(turn.conversationId), endedMsAgo);
    for (let tries = 0; ; tries++) {
      if (await tryStart(turn)) return;
      if ((isBusy || tries >= CLOSING_TRIES) && (await tell(turn))) return;
      await sleep(2 ** (tries + 2));
    }
  }

  const inTurn = createFairQueue(STARTS_AT_A_TIME);
  const starting = new Set<string>();

  function tryStart(turn: TurnInput): Promise<boolean> {
    starting.add(turn.runId);
    return inTurn(() => startNow(turn)).finally(() => starting.delete(turn.runId));
  }

  async function startNow(turn: TurnInput): Promise<boolean> {
    const ids = turnAttributes(turn);
    try {
      await client.workflow.start(TURN_WORKFLOW, {
        workflowId: turnWorkflowId(turn.conversationId),
        taskQueue,
        args: [turn],
        memo: ids,
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        ...(isSearchable && { typedSearchAttributes: toSearchAttributes(ids) }),
        requestEagerStart: true,
      });
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }

  const tell = (turn: TurnInput): Promise<boolean> => signal(turn.conversationId, 'messageWaiting');

  async function signal(conversationId: string, name: string, ...args: readonly string[]): Promise<boolean> {
    try {
      await client.workflow.getHandle(turnWorkflowId(conversationId)).signal(name, ...args);
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }

  const { runTool, startTool, startUndo } = createToolStarter(client, taskQueue);

  return {
    runTool: (input) => whileAvailable(() => runTool(input)),
    startTool: (input) => whileAvailable(() => startTool(input)),
    startUndo: (runId) => whileAvailable(() => startUndo(runId)),
    start: (turn, hint = { isBusy: false, endedMsAgo: null }) =>
      whileAvailable(() => startOrTell(turn, hint)),
    startIfIdle: async (turn) => !starting.has(turn.runId) && tryStart(turn),
    isHeld: (conversationId) => whileAvailable(() => isHeld(client, conversationId)),
    cancel: async ({ runId, conversationId }) => {
      await whileAvailable(() => signal(conversationId, 'cancelTurn', runId));
    },
  };
}

async function isHeld(client: Client, conversationId: string): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(turnWorkflowId(conversationId)).describe();
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

function createToolStarter(client: Client, taskQueue: string) {
  const toolRunOptions = (input: ToolRunInput) => ({
    workflowId: `tool-run/${input.id}`,
    taskQueue,
    args: [input],
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    requestEagerStart: true,
  });

  async function runTool(input: ToolRunInput): Promise<void> {
    // A request that is sent again waits for the workflow of the first sending.
    await client.workflow.execute(TOOL_RUN_WORKFLOW, {
      ...toolRunOptions(input),
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
  }

  async function startTool(input: ToolRunInput): Promise<void> {
    try {
      await client.workflow.start(TOOL_RUN_WORKFLOW, toolRunOptions(input));
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  async function startUndo(runId: string): Promise<void> {
    try {
      await client.workflow.start(UNDO_WORKFLOW, {
        workflowId: `undo/${runId}`,
        taskQueue,
        args: [runId],
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        requestEagerStart: true,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  return { runTool, startTool, startUndo };
}

const toSearchAttributes = (ids: Readonly<Record<string, string>>) =>
  Object.entries(ids).map(([name, value]) => ({
    key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    value,
  }));

/** Repeats a call while Temporal restarts. Every call here may be repeated: ids make it the same call. */
async function whileAvailable<T>(call: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 500)) {
    try {
      return await call();
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      const isAway = isGrpcServiceError(cause) && AWAY.includes(cause.code);
      if (!isAway) throw error;
      if (Date.now() > giveUpAt) {
        throw new AppError(
          'UNAVAILABLE',
          'Temporal cannot be reached, so no turn can start. Nothing was stored; try again.',
          {
            cause: error,
          },
        );
      }
      await sleep(pauseMs);
    }
  }
}
