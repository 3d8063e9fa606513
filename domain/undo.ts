import type { Effect } from './effect';
import type { Tool, ToolOutcome } from './tool';
import type { ToolArguments } from './tool-arguments';

/** Name of the workflow that undoes a run. It is stored in histories: it never changes. */
export const UNDO_WORKFLOW = 'undoRun';

export type UndoState =
  | 'undoable'
  | 'undoing'
  | 'undone'
  | 'undo_failed'
  | 'undo_unknown'
  | 'no_undo_tool'
  | 'outcome_unknown'
  | 'failed';

/** What is stored of the attempt to undo a call; null outcome while it is under way. */
export interface UndoAttempt {
  readonly id: string;
  readonly outcome: ToolOutcome | null;
  readonly isUnknown: boolean;
  readonly finishedAt: Date | null;
}

/** A call of a run, and what would undo it. */
export interface UndoCall {
  readonly effect: Effect;
  /** The name that its tool gives; null if none. */
  readonly undoName: string | null;
  /** Null where no tool has that name. */
  readonly undoTool: Tool | null;
  readonly attempt: UndoAttempt | null;
}

/** Whether a call can be undone, or what became of that. */
export function undoStateOf({ effect, undoTool, attempt }: UndoCall): UndoState {
  if (attempt) {
    if (attempt.outcome === null) return 'undoing';
    if (attempt.isUnknown) return 'undo_unknown';
    return attempt.outcome.status === 'success' ? 'undone' : 'undo_failed';
  }
  if (effect.status !== 'done') return 'outcome_unknown';
  if (effect.result?.status !== 'success') return 'failed';
  return undoTool ? 'undoable' : 'no_undo_tool';
}

const REASONS: Readonly<Record<UndoState, (call: UndoCall) => string | null>> = {
  undoable: () => null,
  undoing: () => null,
  undone: () => null,
  undo_failed: ({ attempt }) => attempt?.outcome?.result ?? null,
  undo_unknown: () => 'The process that ran the undo tool was lost; it may have acted and is not repeated.',
  no_undo_tool: ({ effect, undoName }) =>
    undoName === null
      ? `The tool ${effect.toolName} names no \`undo\` tool.`
      : `The tool ${effect.toolName} names ${undoName} as its \`undo\`, and there is no such tool.`,
  outcome_unknown: () =>
    'The outcome of the call is unknown; resolve it first (POST /v1/effects/{key}/resolve).',
  failed: () => 'The call failed, so there is nothing to undo.',
};

/** Why a call is not undone; null if it is, will be or can be. */
export const undoReasonOf = (call: UndoCall): string | null => REASONS[undoStateOf(call)](call);

/**
 * The call to make next to undo a run whose calls come newest first: `again` one that is under way, `fresh` one that
 * was not tried since `askedAt`. Null when all is done, or when one that was tried since then did not succeed: what came before
 * it stays, for the undoing of the older may build on that of the newer.
 */
export function nextToUndo(
  calls: readonly UndoCall[],
  askedAt: Date,
): { readonly again: UndoAttempt } | { readonly fresh: UndoCall } | null {
  for (const call of calls) {
    const state = undoStateOf(call);
    if (state === 'undoing' && call.attempt) return { again: call.attempt };
    const isTried = (call.attempt?.finishedAt ?? new Date(0)) >= askedAt;
    if ((state === 'undo_failed' || state === 'undo_unknown') && isTried) return null;
    if (state === 'undoable' || (state === 'undo_failed' && call.undoTool)) return { fresh: call };
  }
  return null;
}

/**
 * What an undo tool is called with, of what it declares: the arguments of the call by name, and `arguments`, `result`
 * and `idempotency_key` of the call.
 */
export function undoArguments(undoTool: Tool, { key, arguments: raw, result }: Effect): ToolArguments {
  const original = parse(raw ?? '');
  const offered: ToolArguments = {
    ...original,
    arguments: original,
    result: result?.result ?? '',
    idempotency_key: key,
  };
  const declared = undoTool.jsonSchema.parameters['properties'];
  const names = typeof declared === 'object' && declared !== null ? Object.keys(declared) : [];
  return Object.fromEntries(names.flatMap((name) => (name in offered ? [[name, offered[name]]] : [])));
}

/** The key that an undo tool sends along: the same in every attempt, and another one than that of the call. */
export const undoKeyOf = (key: string): string => `${key}/undo`;

function parse(raw: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
