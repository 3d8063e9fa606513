import type { TurnClient } from '../../api/turn-client';

/** Temporal's stand-in for tests that start no workflow: a workflow holds every conversation, and nothing comes of what is asked. */
export const turnsThat = (parts: Partial<TurnClient> = {}): TurnClient => ({
  start: () => Promise.resolve(),
  startIfIdle: () => Promise.resolve(false),
  isHeld: () => Promise.resolve(true),
  cancel: () => Promise.resolve(),
  runTool: () => Promise.resolve(),
  startTool: () => Promise.resolve(),
  startUndo: () => Promise.resolve(),
  ...parts,
});
