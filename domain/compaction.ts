import type { JsonObject } from './agent';
import type { TurnEnd } from './turn';

/** Why a context was made smaller. The first two names are Letta's. */
export const COMPACTION_TRIGGERS = [
  'post_step_context_check',
  'context_window_exceeded',
  'pre_step_context_check',
  'manual',
] as const;
export type CompactionTrigger = (typeof COMPACTION_TRIGGERS)[number];

/**
 * What a summary stands for: `all` of the thread or what does not fit into a `sliding_window` of its newest messages; and
 * who writes it: a summarizer that is shown a transcript, or the agent's own model in the conversation (`self_compact_*`).
 */
export const COMPACTION_MODES = [
  'all',
  'sliding_window',
  'self_compact_all',
  'self_compact_sliding_window',
] as const;
export type CompactionMode = (typeof COMPACTION_MODES)[number];

/** The calls of a summarizer that one compaction may make, lost ones included. */
export const SUMMARY_TRIES = 3;
/** The compactions that one step may ask for before the model is asked whatever the size. */
export const COMPACTIONS_PER_STEP = 3;
/** How much of the context window, its own or the agent's, a summarizer is shown. */
export const SUMMARY_INPUT = 0.6;
/** How much of the agent's window a summary may take. */
export const SUMMARY_OUTPUT = 0.2;

export interface CompactionSettings {
  readonly mode: CompactionMode;
  /** Handle of the summarizer; null for the agent's own model. */
  readonly model: string | null;
  readonly modelSettings: JsonObject | null;
  /** Null for the instructions that belong to the mode. */
  readonly prompt: string | null;
  readonly promptAcknowledgement: boolean;
  /** The longest summary, in characters; null for no limit of its own. */
  readonly clipChars: number | null;
  /** The part of the context window that is kept beside the summary. */
  readonly slidingWindowPercentage: number;
}

/** Names one compaction. `trigger` says before or after the step; `round` counts from 0. */
export interface CompactKey {
  readonly runId: string;
  readonly step: number;
  readonly trigger: CompactionTrigger;
  readonly round: number;
}
export interface CompactDone {
  /** The turn had only waited for this. */
  readonly end?: TurnEnd;
  /** The context is as small as it gets. */
  readonly isStuck?: true;
}

/** The settings of an agent's document; what is missing or wrong in it takes Letta's default. */
export function readCompactionSettings(document: JsonObject): CompactionSettings {
  const text = (key: string): string | null => {
    const value = document[key];
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const number = (key: string): number | null => {
    const value = document[key];
    return typeof value === 'number' && value >= 0 ? value : null;
  };
  const settings = document['model_settings'];
  return {
    mode: COMPACTION_MODES.find((mode) => mode === document['mode']) ?? 'sliding_window',
    model: text('model'),
    modelSettings: typeof settings === 'object' && settings !== null ? (settings as JsonObject) : null,
    prompt: text('prompt'),
    promptAcknowledgement: document['prompt_acknowledgement'] === true,
    clipChars: document['clip_chars'] === null ? null : (number('clip_chars') ?? 50_000),
    slidingWindowPercentage: Math.min(number('sliding_window_percentage') ?? 0.3, 1),
  };
}

/** The modes of the tries of a compaction: each that fails falls back towards `all`. */
export function modesOf(mode: CompactionMode): readonly CompactionMode[] {
  const chains: Readonly<Record<CompactionMode, readonly CompactionMode[]>> = {
    all: ['all', 'all', 'all'],
    sliding_window: ['sliding_window', 'all', 'all'],
    self_compact_all: ['self_compact_all', 'all', 'all'],
    self_compact_sliding_window: ['self_compact_sliding_window', 'self_compact_all', 'all'],
  };
  return chains[mode];
}

export const isSliding = (mode: CompactionMode): boolean =>
  mode === 'sliding_window' || mode === 'self_compact_sliding_window';
export const isSelf = (mode: CompactionMode): boolean =>
  mode === 'self_compact_all' || mode === 'self_compact_sliding_window';
