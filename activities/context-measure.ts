import { SUMMARY_OUTPUT } from '../domain/compaction';
import { isWorthIt, planCompaction, type CompactionPlan } from '../domain/compaction-plan';
import { clip } from '../domain/compaction-prompts';
import type { CompactionToSave, OpenedCompaction } from '../domain/compaction-store';
import { contextWindowOf, countableText, fixedTokens, sum } from '../domain/context-size';
import { framedSummary } from '../domain/framed-summary';
import type { Message } from '../domain/message';
import { toPrompt } from '../domain/prompt';
import type { ActivityDeps } from './deps';

/** The sizes of a context, in tokens. */
export interface MeasuredContext {
  readonly window: number;
  /** Of each message, by id. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly total: number;
  /** How much of the newest messages is kept beside a summary. */
  readonly keep: number;
}

/**
 * Counts a context. What a compaction keeps is a part of the window; where the provider says that the window is smaller
 * than we think, or a round before was not enough, it is a part of what there is.
 */
export async function measureContext(
  { models, countTokens }: Pick<ActivityDeps, 'models' | 'countTokens'>,
  { context, model, contextLimit, settings, trigger, round }: OpenedCompaction,
): Promise<MeasuredContext> {
  const window = contextWindowOf(contextLimit, await models.resolve(model));
  const prompts = context.map((message) => toPrompt([message]));
  const texts = await countTokens(prompts.map((prompt) => prompt.map(countableText).join('\n')));
  const sizes = new Map(
    context.map(({ id }, index) => {
      const fixed = sum((prompts[index] ?? []).map(fixedTokens));
      return [id, (texts[index] ?? 0) + fixed] as const;
    }),
  );
  const total = sum([...sizes.values()]);
  const wanted = (settings.slidingWindowPercentage * window) / 2 ** round;
  const keep = trigger === 'context_window_exceeded' ? Math.min(wanted, total / 2 ** (round + 1)) : wanted;
  return { window, sizes, total, keep };
}

/** What to summarize when so many tokens are kept; null where there is nothing, or too little to be worth it. */
export function planKeeping(
  { context, trigger }: OpenedCompaction,
  { sizes, window }: MeasuredContext,
  keep: number,
): CompactionPlan | null {
  const plan = planCompaction(context, sizes, keep);
  const isForced = trigger === 'manual' || trigger === 'context_window_exceeded';
  return plan && (isForced || isWorthIt(plan, sizes, window)) ? plan : null;
}

/** The change that a text makes of a context, with the text clipped to what a summary may take. */
export async function toChange(
  { countTokens }: Pick<ActivityDeps, 'countTokens'>,
  {
    compaction: { context, settings, trigger },
    measured: { sizes, total, window },
    plan,
    text,
  }: {
    readonly compaction: OpenedCompaction;
    readonly measured: MeasuredContext;
    readonly plan: CompactionPlan;
    readonly text: string;
  },
): Promise<NonNullable<CompactionToSave['change']>> {
  const sizeOf = (messages: readonly Message[]) => sum(messages.map(({ id }) => sizes.get(id) ?? 0));
  const count = async (shown: string) => sum(await countTokens([framedSummary(shown)]));
  let summary = clip(text, settings.clipChars ?? Infinity);
  let tokens = await count(summary);
  const most = Math.max(SUMMARY_OUTPUT * window, 200);
  while (tokens > most && summary.length > 100) {
    summary = clip(summary, Math.floor((summary.length * most * 0.9) / tokens));
    tokens = await count(summary);
  }
  const stats = {
    trigger,
    messagesBefore: context.length,
    messagesAfter: context.length - plan.dropped.length + 1,
    tokensBefore: total,
    tokensAfter: total - sizeOf(plan.dropped) + tokens,
    contextWindow: window,
  };
  return { summary, droppedIds: plan.dropped.map(({ id }) => id), stats };
}
