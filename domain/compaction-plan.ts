import type { Message } from './message';
import { toUnits } from './transcript-units';

/** What of a context a summary is to stand for, and what stays beside it. */
export interface CompactionPlan {
  /** Never empty. An earlier summary is among them. */
  readonly dropped: readonly Message[];
  readonly kept: readonly Message[];
}

/**
 * Keeps the newest units that together take at most `keep` tokens; everything before them is to be summarized. The system
 * message is neither. Null when there is nothing to summarize but an earlier summary.
 */
export function planCompaction(
  context: readonly Message[],
  sizes: ReadonlyMap<string, number>,
  keep: number,
): CompactionPlan | null {
  const units = toUnits(context.filter(({ role }) => role !== 'system'));
  let from = units.length;
  for (let left = keep; from > 0; from--) {
    const unit = units[from - 1] ?? [];
    left -= unit.reduce((total, { id }) => total + (sizes.get(id) ?? 0), 0);
    if (left < 0) break;
  }
  const dropped = units.slice(0, from).flat();
  if (dropped.every(({ role }) => role === 'summary')) return null;
  return { dropped, kept: units.slice(from).flat() };
}

// What has to be new since the last summary, as a part of the window, before another one is written.
const WORTH_IT = 0.05;

/**
 * Whether a summary saves enough to be paid for. Where the system prompt and the tools alone nearly fill the window, every
 * reply would ask for one: after the first there has to be something new.
 */
export function isWorthIt(
  { dropped }: CompactionPlan,
  sizes: ReadonlyMap<string, number>,
  window: number,
): boolean {
  if (!dropped.some(({ role }) => role === 'summary')) return true;
  const fresh = dropped.filter(({ role }) => role !== 'summary');
  return fresh.reduce((total, { id }) => total + (sizes.get(id) ?? 0), 0) >= WORTH_IT * window;
}
