import type { AgentFiles } from '../../domain/ports';

/** Agents that have no folders. */
export const noAgentFiles: AgentFiles = {
  list: () => Promise.resolve([]),
  limits: () => Promise.resolve({ mostOpen: 10, charLimit: 25_000 }),
  open: () => Promise.resolve({ excerpts: new Map(), closed: [] }),
  grep: () => Promise.resolve({ matches: [], hasMore: false }),
  search: () => Promise.resolve([]),
};
