import { COMPACTIONS_PER_STEP } from '../domain/compaction';
import type { StepKey, StepOutcome } from '../domain/turn';
import { callModel, compact } from './proxies';

type Taken = Exclude<StepOutcome, { readonly compact: string }>;

/**
 * One step: the model is asked, and the context is made smaller first as often as it has to be. After so many times, or
 * as soon as it gets no smaller, the model is asked all the same and its word counts: no step goes round for ever.
 */
export async function takeStep(key: StepKey): Promise<Taken> {
  let outcome = await callModel(key);
  for (let round = 0; outcome.compact; round++) {
    const { end, isStuck } = await compact({ ...key, trigger: outcome.compact, round });
    if (end) return { end };
    const isLast = isStuck === true || round + 1 >= COMPACTIONS_PER_STEP;
    outcome = await callModel(isLast ? { ...key, asIs: true } : key);
  }
  return outcome;
}
