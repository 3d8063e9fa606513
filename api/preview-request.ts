import { mintRun } from '../db/mint-run';
import { previewStep } from '../db/open-step';
import { withoutTrace } from '../db/pool';
import { AppError } from '../domain/errors';
import { planStep, toModelRequest } from '../domain/plan-step';
import { newId } from '../new-id';
import type { ApiDeps } from './deps';
import { resolveModel } from './resolve-model';
import { checkMinted, toRun } from './send-turn';
import type { Thread } from './threads';
import { checkStreamOptions, type SendMessageBody } from './wire/turn-request';

/**
 * What a provider would be sent for a message, in the provider's own form. The turn is begun inside a transaction that is rolled back,
 * so it reads what the turn itself would read; nothing is sent or stored.
 */
export async function previewRequest(
  { db, models, modelClient }: Pick<ApiDeps, 'db' | 'models' | 'modelClient'>,
  thread: Thread,
  body: SendMessageBody,
): Promise<unknown> {
  checkStreamOptions(body);
  const run = toRun({ thread, runType: 'preview', body });
  if (run.request.approvals !== null) {
    throw new AppError('INVALID_ARGUMENT', 'INVALID_ARGUMENT: A preview takes messages; what answers an approval request is no message.'); // prettier-ignore
  }
  if (run.request.overrideModel !== null) await resolveModel(models, run.request.overrideModel);
  const step = await withoutTrace(db, async (tx) => {
    const minted = await mintRun(tx, { ...run, ignoresPending: false });
    checkMinted(run, minted);
    return previewStep(tx, { runId: run.id, step: 0 });
  });
  const { info, client } = await modelClient(step.model);
  const ids = { noteId: newId('message'), skillsNoteId: newId('message'), folderNoteId: newId('message') };
  return client.preview(toModelRequest(step, planStep(step, { now: new Date(), ...ids }), info));
}
