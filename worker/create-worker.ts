import { type InjectedSinks, type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import path from 'node:path';
import { createActivities } from '../activities';
import type { ActivityDeps } from '../activities/deps';
import type { TurnSinks } from '../workflows/closing';

export interface WorkerSettings {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly deployment: { readonly name: string; readonly buildId: string } | null;
  readonly deps: ActivityDeps;
  /** Hears of a turn's workflow that is about to close. */
  readonly onClosing: (workflowId: string) => void;
}

/** The bundle that `npm run build` made: bundling at start would cost about a second. */
export const BUNDLE_PATH = path.join(__dirname, 'workflow-bundle.js');

/** How much a worker does at a time, and how soon it gives up on others. */
export const WORKER_LIMITS = {
  maxConcurrentActivityTaskExecutions: 1000,
  maxConcurrentWorkflowTaskExecutions: 40,
  maxCachedWorkflows: 500,
  // A workflow whose worker died is picked up by another one after this; the default of 10 s would be the recovery time.
  stickyQueueScheduleToStartTimeout: '500ms',
  maxHeartbeatThrottleInterval: '250ms',
  defaultHeartbeatThrottleInterval: '250ms',
  shutdownGraceTime: '10s',
  shutdownForceTime: '15s',
} as const satisfies Partial<WorkerOptions>;

/**
 * A worker for turns. `run()` polls until `shutdown()`; then activities get 10 s to finish. With a deployment version it
 * takes only the turns that Temporal sends to that version.
 */
export function createWorker({
  connection,
  namespace,
  taskQueue,
  deployment,
  deps,
  onClosing,
}: WorkerSettings): Promise<Worker> {
  return Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle: { codePath: BUNDLE_PATH },
    activities: createActivities(deps),
    sinks: toSinks(onClosing),
    ...(deployment && { workerDeploymentOptions: toDeploymentOptions(deployment) }),
    ...WORKER_LIMITS,
  });
}

const toSinks = (onClosing: WorkerSettings['onClosing']): InjectedSinks<TurnSinks> => ({
  turns: { closing: { fn: ({ workflowId }) => onClosing(workflowId), callDuringReplay: false } },
});

// A turn moves to the version that is current: every version replays the histories of those before it (test/replay). A
// pinned turn would wait for ever for workers that an operator has taken away.
const toDeploymentOptions = ({ name, buildId }: NonNullable<WorkerSettings['deployment']>) => ({
  version: { deploymentName: name, buildId },
  useWorkerVersioning: true as const,
  defaultVersioningBehavior: 'AUTO_UPGRADE' as const,
});
