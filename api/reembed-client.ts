import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { REEMBED_WORKFLOW, reembedWorkflowId, type ReembedInput } from '../domain/reembed';

/** Makes sure that a workflow gives an archive's passages their new vectors. */
export type StartReembed = (input: ReembedInput) => Promise<void>;

/** Starts the workflow of a change of model, unless it runs already. */
export const createReembedStarter =
  (client: Client, taskQueue: string): StartReembed =>
  async (input) => {
    try {
      await client.workflow.start(REEMBED_WORKFLOW, {
        workflowId: reembedWorkflowId(input.reembedId),
        taskQueue,
        args: [input],
        requestEagerStart: true,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  };
