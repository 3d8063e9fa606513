import { nextUndo } from './proxies';
import { runOnce } from './tool-run';

/** Undoes the calls of a run, newest first, one after the other; each at most once. */
export async function undoRun(runId: string): Promise<void> {
  for (let next = await nextUndo(runId); next; next = await nextUndo(runId)) await runOnce(next);
}
