/** Token counts of one step; null where the provider reported none or the step has not ended. */
export interface StepUsage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly totalTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly reasoningTokens: number | null;
}

/** Token counts of a run. */
export interface RunUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly stepCount: number;
  /** Null, like the next three, when no model answered. */
  readonly cachedInputTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly reasoningTokens: number | null;
  /** Size of the context at the end: the total of the last step, not a sum. */
  readonly contextTokens: number | null;
  /** Runs that were begun in the background because of this one. */
  readonly runIds?: readonly string[];
}

/** What summaries of the context have cost. */
export interface CompactionUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Sums the steps of a run, given in order, and its compactions. Steps without a reply count for nothing. */
export function usageOf(
  steps: readonly StepUsage[],
  compactions: CompactionUsage = { promptTokens: 0, completionTokens: 0 },
): RunUsage {
  const answered = steps.filter((step) => step.totalTokens !== null);
  const sum = (key: keyof StepUsage): number => answered.reduce((total, step) => total + (step[key] ?? 0), 0);
  const orNull = (value: number): number | null => (answered.length === 0 ? null : value);
  return {
    promptTokens: sum('promptTokens') + compactions.promptTokens,
    completionTokens: sum('completionTokens') + compactions.completionTokens,
    totalTokens: sum('totalTokens') + compactions.promptTokens + compactions.completionTokens,
    stepCount: answered.length,
    cachedInputTokens: orNull(sum('cachedInputTokens')),
    cacheWriteTokens: orNull(sum('cacheWriteTokens')),
    reasoningTokens: orNull(sum('reasoningTokens')),
    contextTokens: answered.at(-1)?.totalTokens ?? null,
  };
}
