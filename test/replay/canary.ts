/** Stands in every message, tool argument and tool result of the recorded turns, and so never in a history. */
export const CANARY = 'canary-5d1c';
