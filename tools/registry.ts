import type { AgentFiles, ArchivalRecall, Recall } from '../domain/ports';
import type { SourceLanguage } from '../domain/source-tool';
import type { BuiltinTool } from '../domain/tool';
import { agentCallByHand } from './builtin/agent-call-by-hand';
import { archivalMemoryInsert } from './builtin/archival-memory-insert/handler';
import { archivalMemoryInsertTool } from './builtin/archival-memory-insert/tool';
import { createArchivalMemorySearch } from './builtin/archival-memory-search/handler';
import { archivalMemorySearchTool } from './builtin/archival-memory-search/tool';
import { createConversationSearch } from './builtin/conversation-search/handler';
import { conversationSearchTool } from './builtin/conversation-search/tool';
import { coreMemoryAppend } from './builtin/core-memory-append/handler';
import { coreMemoryAppendTool } from './builtin/core-memory-append/tool';
import { coreMemoryReplace } from './builtin/core-memory-replace/handler';
import { coreMemoryReplaceTool } from './builtin/core-memory-replace/tool';
import { createFetchWebpage, type FetchPageOptions } from './builtin/fetch-webpage/handler';
import { fetchWebpageTool } from './builtin/fetch-webpage/tool';
import { createGrepFiles } from './builtin/grep-files/handler';
import { grepFilesTool } from './builtin/grep-files/tool';
import { memory as memoryCommand } from './builtin/memory/handler';
import { memoryTool } from './builtin/memory/tool';
import { memoryApplyPatch } from './builtin/memory-apply-patch/handler';
import { memoryApplyPatchTool } from './builtin/memory-apply-patch/tool';
import { memoryFinishEdits } from './builtin/memory-finish-edits/handler';
import { memoryFinishEditsTool } from './builtin/memory-finish-edits/tool';
import { memoryInsert } from './builtin/memory-insert/handler';
import { memoryInsertTool } from './builtin/memory-insert/tool';
import { memoryReplace } from './builtin/memory-replace/handler';
import { memoryReplaceTool } from './builtin/memory-replace/tool';
import { memoryRethink } from './builtin/memory-rethink/handler';
import { memoryRethinkTool } from './builtin/memory-rethink/tool';
import { createOpenFiles } from './builtin/open-files/handler';
import { openFilesTool } from './builtin/open-files/tool';
import { createRunCode } from './builtin/run-code/handler';
import { runCodeTool } from './builtin/run-code/tool';
import { createSemanticSearchFiles } from './builtin/semantic-search-files/handler';
import { semanticSearchFilesTool } from './builtin/semantic-search-files/tool';
import { sendMessage } from './builtin/send-message/handler';
import { sendMessageTool } from './builtin/send-message/tool';
import { sendMessageToAgentAndWaitForReplyTool } from './builtin/send-message-to-agent-and-wait-for-reply/tool';
import { sendMessageToAgentAsyncTool } from './builtin/send-message-to-agent-async/tool';
import { sendMessageToAgentsMatchingTagsTool } from './builtin/send-message-to-agents-matching-tags/tool';
import { createWebSearch } from './builtin/web-search/handler';
import { webSearchTool } from './builtin/web-search/tool';
import {
  memoryEdit,
  type MemoryHandler,
  type ReadHandler,
  type ToolModule,
  type TransactionalHandler,
} from './handler';

/** Every tool the server brings along. */
export const builtinTools: readonly BuiltinTool[] = [
  memoryInsertTool,
  memoryReplaceTool,
  memoryRethinkTool,
  coreMemoryAppendTool,
  coreMemoryReplaceTool,
  memoryTool,
  memoryApplyPatchTool,
  memoryFinishEditsTool,
  sendMessageTool,
  sendMessageToAgentAndWaitForReplyTool,
  sendMessageToAgentAsyncTool,
  sendMessageToAgentsMatchingTagsTool,
  conversationSearchTool,
  archivalMemoryInsertTool,
  archivalMemorySearchTool,
  webSearchTool,
  fetchWebpageTool,
  runCodeTool,
  openFilesTool,
  grepFilesTool,
  semanticSearchFilesTool,
];

/** Code of the tools that change blocks, by name. */
export const memoryHandlers: ReadonlyMap<string, MemoryHandler> = new Map([
  [memoryInsertTool.name, memoryInsert],
  [memoryReplaceTool.name, memoryReplace],
  [memoryRethinkTool.name, memoryRethink],
  [coreMemoryAppendTool.name, coreMemoryAppend],
  [coreMemoryReplaceTool.name, coreMemoryReplace],
  [memoryTool.name, memoryCommand],
  [memoryApplyPatchTool.name, memoryApplyPatch],
]);

/** Code of the tools whose effect is in the database, by name. */
export const transactionalHandlers: ReadonlyMap<string, TransactionalHandler> = new Map([
  ...[...memoryHandlers].map(([name, handler]): [string, TransactionalHandler] => [
    name,
    memoryEdit(handler),
  ]),
  [archivalMemoryInsertTool.name, archivalMemoryInsert],
]);

/** What the other built-in tools reach. */
export interface ReadDeps {
  readonly recall: Recall;
  readonly archive: ArchivalRecall;
  readonly files: AgentFiles;
  readonly exaApiKey: string | null;
  /** Tools beside the built-in ones. */
  readonly modules?: readonly ToolModule[];
  /** What runs the code of `run_code`. */
  readonly sources?: Pick<SourceLanguage, 'runCode'>;
  readonly exaBaseUrl?: string;
  readonly fetchPage?: FetchPageOptions;
  readonly now?: () => Date;
}

/** Code of all other tools, by name. */
export function readHandlersOf(deps: ReadDeps): ReadonlyMap<string, ReadHandler> {
  const { recall, archive, files, now = () => new Date(), modules = [], sources } = deps;
  return new Map([
    [memoryFinishEditsTool.name, memoryFinishEdits],
    [sendMessageTool.name, sendMessage],
    [sendMessageToAgentAndWaitForReplyTool.name, agentCallByHand],
    [sendMessageToAgentAsyncTool.name, agentCallByHand],
    [sendMessageToAgentsMatchingTagsTool.name, agentCallByHand],
    [conversationSearchTool.name, createConversationSearch({ recall, now })],
    [archivalMemorySearchTool.name, createArchivalMemorySearch(archive)],
    [webSearchTool.name, createWebSearch(deps)],
    [fetchWebpageTool.name, createFetchWebpage(deps.fetchPage ?? {})],
    [runCodeTool.name, createRunCode(sources?.runCode ?? {})],
    [openFilesTool.name, createOpenFiles(files)],
    [grepFilesTool.name, createGrepFiles(files)],
    [semanticSearchFilesTool.name, createSemanticSearchFiles(files)],
    ...modules.map(({ name, run }): [string, ReadHandler] => [name, run]),
  ]);
}

/** Searches are bounded by their own limit, as in Letta, not by that of their tool. */
export const UNCUT: readonly string[] = [conversationSearchTool.name, archivalMemorySearchTool.name];
