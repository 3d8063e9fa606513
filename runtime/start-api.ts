import { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createApp } from '../api/app';
import { startBatchStarter } from '../api/batch-starter';
import { startCallbacks } from '../api/callbacks';
import type { ApiDeps } from '../api/deps';
import type { Closings } from '../api/closings';
import type { Keepalive } from '../api/keepalive';
import { createReembedStarter } from '../api/reembed-client';
import { startReembedSweeper } from '../api/reembed-sweeper';
import type { RunWatcher } from '../api/run-watcher';
import { startSweeper } from '../api/sweeper';
import { createTurnClient, type TurnClient } from '../api/turn-client';
import type { Config } from '../config';
import type { Pool } from '../db/pool';
import { AppError } from '../domain/errors';
import type { McpConnections } from '../domain/mcp';
import type { SchemaDeriver } from '../domain/source-tool';
import type { Models } from '../llm/registry';
import type { Logger } from '../log';
import { createPdfReader } from '../tools/pdf/pdf-reader';
import { previewMemory } from '../tools/preview-memory';
import { hasTurnAttributes } from '../worker/search-attributes';
import type { ArchivalMemory } from './archival-memory';

/** What an API is made of. */
export interface ApiParts {
  readonly config: Config;
  readonly log: Logger;
  readonly pool: Pool;
  readonly connection: NativeConnection;
  readonly models: Models;
  readonly mcp: McpConnections;
  readonly memory: ArchivalMemory;
  readonly watcher: RunWatcher;
  readonly closings: Closings;
  readonly deriveSchema: SchemaDeriver;
  readonly keepalive: Keepalive | undefined;
  readonly around: (turns: TurnClient) => TurnClient;
}

// How long open answers may still take when the API stops; whoever is cut off sends again or picks the stream up elsewhere.
const DRAIN_MS = 5_000;

/** Listens and starts what the API does by itself; `stop` lets open answers end within five seconds. */
export async function startApi(parts: ApiParts) {
  const { config } = parts;
  const deps = await toDeps(parts);
  const server = createApp(deps).listen(config.api.port, config.api.host);
  await listening(server, config);
  const stopSweeper = startSweeper(deps);
  const stopBatchStarter = startBatchStarter(deps);
  const stopCallbacks = startCallbacks(deps);
  const stopReembedSweeper = startReembedSweeper(deps);
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : config.api.port;
  return {
    url: `http://${config.api.host}:${port}`,
    async stop() {
      stopSweeper();
      stopBatchStarter();
      stopCallbacks();
      stopReembedSweeper();
      server.close();
      server.closeIdleConnections();
      const closed = once(server, 'close');
      const hurry = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(hurry);
    },
  };
}

/** The real thing behind everything that a route may use. */
async function toDeps(parts: ApiParts): Promise<ApiDeps> {
  const { config, log, pool, connection, models, mcp, memory, watcher, closings, deriveSchema, keepalive } =
    parts;
  const { namespace, taskQueue } = config.temporal;
  const client = new Client({ connection, namespace });
  const isSearchable = await hasTurnAttributes(connection, namespace, log);
  return {
    db: pool,
    models,
    mcp,
    deriveSchema,
    providers: models.providers,
    modelClient: (handle) => models.client(handle),
    previewMemory,
    readPdf: createPdfReader(),
    turns: parts.around(createTurnClient(client, { taskQueue, isSearchable, closings })),
    archives: { ...memory, startReembed: createReembedStarter(client, taskQueue) },
    search: memory.search,
    watcher,
    log,
    password: config.api.password,
    ...(keepalive && { keepalive }),
  };
}

async function listening(server: Server, { api }: Config): Promise<void> {
  await once(server, 'listening').catch((cause: unknown) => {
    const error = cause as NodeJS.ErrnoException; // what node:net emits
    if (error.code === 'EADDRINUSE') {
      throw new AppError(
        'INVALID_ARGUMENT',
        `Port ${api.port} on ${api.host} is in use. Stop what listens there, or set PORT.`,
      );
    }
    throw new AppError(
      'INVALID_ARGUMENT',
      `Can't listen on ${api.host}:${api.port}: ${error.message}. Set HOST and PORT.`,
    );
  });
}
