import { SUMMARY_OUTPUT, type CompactDone, type CompactKey } from '../domain/compaction';
import { withoutSummary } from '../domain/compaction-prompts';
import type { CompactionToSave, OpenedCompaction } from '../domain/compaction-store';
import { toModelError } from '../domain/run-error';
import { withAbort } from './abort';
import { measureContext, planKeeping, toChange, type MeasuredContext } from './context-measure';
import type { ActivityDeps } from './deps';
import { summarize } from './summarize';

type Deps = Pick<ActivityDeps, 'compactions' | 'models' | 'cancellations' | 'countTokens'>;

/**
 * Makes a thread's context smaller, once: a summary takes the place of its older messages. At most three calls of a
 * summarizer are made for one compaction, crashes included; after that the messages are taken out without a summary,
 * unless a client asked for one. A context that can't get smaller stays as it is, and the workflow is told so.
 */
export function createCompact(deps: Deps) {
  return async function compact(key: CompactKey): Promise<CompactDone> {
    const claimed = await deps.compactions.open(key);
    if ('done' in claimed) return claimed.done;
    const { opened } = claimed;
    return withAbort(deps.cancellations, key.runId, async ({ signal }) => {
      const measured = await measureContext(deps, opened);
      const summarized = await summarize(deps, { compaction: opened, measured, signal });
      const change = summarized ?? (opened.trigger === 'manual' ? null : await cut(deps, opened, measured));
      return deps.compactions.save(opened, { change });
    }).catch(async (error: unknown) => {
      const failure = toModelError(error);
      if (failure) await deps.compactions.saveError(opened, failure);
      throw error;
    });
  };
}

/** Takes the older messages out without a summary: whole calls with their results, and never more than it must. */
async function cut(
  deps: Deps,
  compaction: OpenedCompaction,
  measured: MeasuredContext,
): Promise<CompactionToSave['change']> {
  for (const keep of [measured.keep, measured.keep / 2, 0]) {
    const plan = planKeeping(compaction, measured, keep);
    if (!plan) continue;
    const text = withoutSummary(plan.dropped, SUMMARY_OUTPUT * measured.window);
    const change = await toChange(deps, { compaction, measured, plan, text });
    if (change.stats.tokensAfter < measured.total) return change;
  }
  return null;
}
