import type { Passage } from './archive';
import type { FilePassage } from './folder';
import type { Message, MessageRole } from './message';
import type { Tool } from './tool';

/** How hits are found: by their words, by the nearness of their vectors, or by both. */
export type SearchMode = 'hybrid' | 'text' | 'vector';

/** What every search asks. Filters narrow, `text` ranks. */
export interface SearchQuery {
  /** Null lists what the filters leave. */
  readonly text: string | null;
  /** What is wanted. Where nothing has vectors, words are all there is. */
  readonly mode: SearchMode;
  readonly limit: number;
}

/** Where a hit stands: its score, and its places in the two rankings, from 1; null where it has none. */
export interface Place {
  readonly score: number;
  readonly textRank: number | null;
  readonly vectorRank: number | null;
}

export interface Found<Hit> {
  readonly hits: readonly (Hit & Place)[];
  /** What was used. */
  readonly mode: SearchMode;
  /** Why vectors were left out. */
  readonly reason: string | null;
}

/** A search by text, and by vectors where there are any; the best hit comes first. */
export interface Search<Query extends SearchQuery, Hit> {
  search(query: Query): Promise<Found<Hit>>;
}

export interface PassageQuery extends SearchQuery {
  /** The archives to look into; null means all. */
  readonly archiveIds: readonly string[] | null;
  readonly tags: readonly string[];
  readonly tagMatch: 'any' | 'all';
  readonly from: Date | null;
  readonly to: Date | null;
}
export interface PassageHit {
  readonly passage: Passage;
}
export type PassageSearch = Search<PassageQuery, PassageHit>;

/** What was said, by whom, where and when. Null leaves a filter out. Only users' and agents' messages have vectors. */
export interface MessageQuery extends SearchQuery {
  readonly roles: readonly Extract<MessageRole, 'user' | 'assistant' | 'tool'>[];
  readonly agentId: string | null;
  readonly conversationId: string | null;
  readonly from: Date | null;
  readonly to: Date | null;
}
export interface MessageHit {
  readonly message: Message;
}
export type MessageSearch = Search<MessageQuery, MessageHit>;

export interface ToolQuery extends SearchQuery {
  readonly types: readonly string[];
  readonly tags: readonly string[];
}
export interface ToolHit {
  readonly tool: Tool;
  /** What was searched. */
  readonly content: string;
}
export type ToolSearch = Search<ToolQuery, ToolHit>;

export interface FileQuery extends SearchQuery {
  readonly folderIds: readonly string[];
}
export interface FileHit {
  readonly passage: FilePassage;
}
export type FileSearch = Search<FileQuery, FileHit>;

/** All searches there are. */
export interface Searches {
  readonly passages: PassageSearch;
  readonly messages: MessageSearch;
  readonly tools: ToolSearch;
  readonly files: FileSearch;
}
