import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { ReembedInput } from '../domain/reembed';
import { reembedBatch } from './proxies';

/** Gives the passages of an archive vectors of its new model, a batch at a time; what is stored is not done again. */
export async function reembedArchive(input: ReembedInput): Promise<void> {
  for (;;) {
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof reembedArchive>(input);
    const { isDone } = await reembedBatch(input);
    if (isDone) return;
  }
}
