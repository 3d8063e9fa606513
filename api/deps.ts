import type { Pool } from '../db/pool';
import type { Embedder } from '../domain/embedder';
import type { ReadPdf } from '../domain/file-type';
import type { McpConnections } from '../domain/mcp';
import type { PreviewMemory } from '../domain/memory-changes';
import type { ModelDirectory, ModelRegistry } from '../domain/model';
import type { ProviderAccess } from '../domain/provider';
import type { Searches } from '../domain/search';
import type { SchemaDeriver } from '../domain/source-tool';
import type { Logger } from '../log';
import type { Keepalive } from './keepalive';
import type { StartReembed } from './reembed-client';
import type { RunWatcher } from './run-watcher';
import type { TurnClient } from './turn-client';

/** Everything a route may use. Built once by the process that serves the API. */
export interface ApiDeps {
  readonly db: Pool;
  readonly models: ModelDirectory;
  /** What is asked of providers that users bring, apart from models. */
  readonly providers: ProviderAccess;
  /** Clients of models, for questions outside of turns. */
  readonly modelClient: ModelRegistry['client'];
  /** Reads the schema of a tool that comes as source code. */
  readonly deriveSchema: SchemaDeriver;
  /** What a call of a memory tool that waits for a human would change. */
  readonly previewMemory: PreviewMemory;
  /** Sessions with MCP servers: their lists of tools, and calls outside of turns. */
  readonly mcp: McpConnections;
  /** The only way to start, cancel or ask about a turn. */
  readonly turns: TurnClient;
  /** What archives need beside the database. */
  readonly archives: {
    readonly embedder: Embedder;
    readonly startReembed: StartReembed;
  };
  readonly search: Searches;
  /** Reads the text of an uploaded PDF. */
  readonly readPdf: ReadPdf;
  /** Wakes whoever waits for events of a run. */
  readonly watcher: RunWatcher;
  readonly log: Logger;
  /** Bearer / X-BARE-PASSWORD password; null leaves the API open (loopback only, see config.ts). */
  readonly password: string | null;
  /** When an answer that takes long is begun and kept alive; tests shorten it. */
  readonly keepalive?: Keepalive;
}
