import type { AgentFile, FileExcerpt, FileRange, LineMatch } from './agent-files';
import type { NewPassage } from './archive';
import type { FilePassage } from './folder';
import type { MemoryChange } from './memory-changes';
import type { Found, PassageHit, PassageQuery, Place, SearchMode } from './search';

// What built-in tools may ask of the database. Implemented in db/, handed to handlers by the worker.

/** A memory block as a tool sees it. */
export interface MemoryBlock {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly limit: number;
  readonly readOnly: boolean;
  readonly version: number;
}

/** The calling agent's blocks inside the transaction that also closes the tool call: both are stored, or neither. */
export interface MemoryTransaction {
  /** The agent's blocks in attachment order, locked until the transaction ends. */
  blocks(): Promise<readonly MemoryBlock[]>;
  writeBlock(block: MemoryBlock, value: string): Promise<void>;
  /** Makes all changes of a call. A tool error, thrown before anything is written, says why they can't be made. */
  applyChanges(changes: readonly MemoryChange[]): Promise<void>;
  /** Stores a passage in the agent's archive, which is made if there is none. Its vector is filled in later. */
  insertPassage(passage: NewPassage): Promise<void>;
}

/** The archive of an agent, as its search tool sees it. */
export interface ArchivalRecall {
  search(
    agentId: string,
    query: Omit<PassageQuery, 'archiveIds' | 'mode'>,
  ): Promise<Found<PassageHit> & { readonly timezone: string }>;
}

export interface RecallQuery {
  readonly agentId: string;
  readonly text: string | null;
  readonly roles: readonly ('assistant' | 'user' | 'tool')[] | null;
  readonly limit: number;
  readonly from: Date | null;
  readonly to: Date | null;
}
export interface RecallHit extends Place {
  readonly messageId: string;
  readonly role: string;
  readonly text: string;
  readonly createdAt: Date;
}
/** Search over everything an agent's conversations ever held: best match first, then newest. */
export interface Recall {
  search(query: RecallQuery): Promise<{ readonly hits: readonly RecallHit[]; readonly mode: SearchMode }>;
}

/** The files of an agent's folders, as its tools see them. */
export interface AgentFiles {
  list(agentId: string): Promise<readonly AgentFile[]>;
  /** How many files an agent has open at most, and how many characters of each it reads at once. */
  limits(agentId: string): Promise<{ readonly mostOpen: number; readonly charLimit: number }>;
  /**
   * Opens files and returns what was asked for of them, by id and up to `limit` characters each, and the paths of those that were closed for them: all others if `closeOthers`,
   * else the ones that were read longest ago where too many would be open. Doing it again opens the same files.
   */
  open(
    agentId: string,
    files: readonly (FileRange & { readonly id: string })[],
    how: { readonly closeOthers: boolean; readonly limit: number },
  ): Promise<{ readonly excerpts: ReadonlyMap<string, FileExcerpt>; readonly closed: readonly string[] }>;
  /** The lines that match a regular expression in any case, by file and line, and whether there are more of them. */
  grep(
    agentId: string,
    query: { readonly pattern: string; readonly fileIds: readonly string[]; readonly contextLines: number; readonly offset: number; readonly limit: number }, // prettier-ignore
  ): Promise<{ readonly matches: readonly LineMatch[]; readonly hasMore: boolean }>;
  search(agentId: string, text: string, limit: number): Promise<readonly FilePassage[]>;
}
