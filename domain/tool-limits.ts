import type { ToolEffects } from './tool';

/** How long one attempt of a call may take, in milliseconds, by what it may do to the world. */
export type ToolLimits = Readonly<Record<Exclude<ToolEffects, 'transactional'>, number>>;

/**
 * A little less than Temporal's own timeouts (`workflows/proxies.ts`), which also end calls whose process hangs. What a
 * tool brings after its limit is kept for the operator. Memory edits are bounded by their transaction.
 */
export const TOOL_LIMITS: ToolLimits = { read: 115_000, idempotent: 115_000, once: 590_000 };
