import { DefaultLogger, Runtime } from '@temporalio/worker';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ActivityDeps } from '../activities/deps';
import type { Keepalive } from '../api/keepalive';
import { createClosings } from '../api/closings';
import { createRunWatcher } from '../api/run-watcher';
import type { TurnClient } from '../api/turn-client';
import { loadConfig, readEnvironment, type Config } from '../config';
import { PASSAGES_DUE_CHANNEL } from '../db/archives/passages';
import { createListener } from '../db/listener';
import { createPool, type Pool } from '../db/pool';
import { holdPresence, newPresence } from '../db/presence';
import { createStoredProviders } from '../db/providers';
import { RUN_CANCELLED_CHANNEL, RUN_EVENTS_CHANNEL } from '../db/run-events';
import { ensureBuiltinTools } from '../db/tools';
import { AppError } from '../domain/errors';
import type { ToolLimits } from '../domain/tool-limits';
import { createOwnEmbeddingModel } from '../llm/embeddings/own-models';
import { createModelRegistry, type Models } from '../llm/registry';
import { createLogger, type Logger } from '../log';
import { toBuiltinTool, type ToolModule } from '../tools/handler';
import { builtinTools } from '../tools/registry';
import { removeLeftWorkFolders } from '../tools/sandbox/work-folder';
import { createCancelledRuns } from '../worker/cancellations';
import { connectTemporal } from '../worker/temporal-connection';
import { composeArchivalMemory, type ArchivalMemory } from './archival-memory';
import { createMcp } from './mcp';
import { composeLanguages } from './source-languages';
import type * as ApiStart from './start-api';
import type * as WorkerStart from './start-worker';

/** What the supervisor hears of the server process. */
export type ServerMessage =
  | { readonly type: 'ready'; readonly url: string | null; readonly models: readonly string[]; readonly providers: readonly string[] }
  | { readonly type: 'fatal'; readonly message: string }; // prettier-ignore

/** A running server; `stop` lets turns in progress come to a boundary within ten seconds. */
export interface RunningServer {
  readonly url: string | null;
  stop(): Promise<void>;
  /** Settles when the server can't go on. */
  readonly failed: Promise<never>;
}

/** What only code can give a server, never its environment. */
export interface ServeOptions {
  /** Tools beside the built-in ones. */
  readonly tools?: readonly ToolModule[];
  /** How long calls of tools may take, by their effects. */
  readonly toolLimits?: ToolLimits;
  /** When the API begins an answer that takes long, and how often it shows life. */
  readonly keepalive?: Keepalive;
  /** Stands between the activities and what they touch: the crash kit stops processes there. */
  readonly aroundActivities?: (deps: ActivityDeps) => ActivityDeps;
  /** Stands between the API and Temporal, likewise. */
  readonly aroundTurns?: (turns: TurnClient) => TurnClient;
}

/**
 * The API, a worker, or both in one process over one connection to Temporal (then a turn starts without a detour
 * through the server's queues). Needs DATABASE_URL and TEMPORAL_ADDRESS.
 */
export async function serve(
  config: Config,
  log: Logger,
  { tools = [], toolLimits, keepalive, aroundActivities = same, aroundTurns = same }: ServeOptions = {},
): Promise<RunningServer & { readonly models: Models }> {
  const { url, address } = requireServices(config);
  const onError = (error: Error) => log.warn({ err: error }, 'lost a connection to Postgres');
  const pool = createPool(url, { max: 40, onError });
  const connection = await connectTemporal({ ...config.temporal, address });
  const models = createModels(config, pool, log);
  const memory = await composeArchivalMemory(config, { pool, models, log });
  const mcp = createMcp(config, pool);
  const [watcher, cancelled, closings] = [createRunWatcher(), createCancelledRuns(), createClosings()];
  const presence = newPresence();
  const listener = await listenToRuns(url, { watcher, cancelled, presence, memory, log });
  await ensureBuiltinTools(pool, [...builtinTools, ...tools.map(toBuiltinTool)]);

  await removeLeftWorkFolders();
  const languages = composeLanguages(config, log);
  const parts = { config, log, pool, connection, models, memory };
  // Side by side: a worker's own thread reads its code while this one reads the API's.
  const [worker, api] = await Promise.all([
    config.roles === 'api'
      ? null
      : loadWorker().startWorker({
          ...parts,
          cancelled,
          presence,
          modules: tools,
          mcp: mcp.caller,
          toolLimits,
          sources: languages,
          onClosing: closings.tell,
          around: aroundActivities,
        }),
    config.roles === 'worker'
      ? null
      : loadApi().startApi({
          ...parts,
          watcher,
          closings,
          mcp: mcp.connections,
          deriveSchema: languages.deriveSchema,
          keepalive,
          around: aroundTurns,
        }),
  ]);

  return {
    url: api?.url ?? null,
    models,
    failed: worker?.failed ?? new Promise<never>(() => undefined),
    async stop() {
      await api?.stop();
      await worker?.stop();
      await mcp.connections.close();
      await listener.close();
      await pool.end();
      await connection.close();
    },
  };
}

function createModels({ providers, embeddings, openAiBackground }: Config, pool: Pool, log: Logger): Models {
  const ownEmbedding = embeddings && createOwnEmbeddingModel(embeddings, log);
  const stored = createStoredProviders(pool);
  return createModelRegistry(providers, {
    log,
    openAiBackground,
    stored,
    ...(ownEmbedding && { ownEmbedding }),
  });
}

const same = <T>(each: T): T => each;

// What one of the two roles needs is read by processes of that role alone: a worker that takes over a turn is waited for.
const load = createRequire(__filename);
const loadWorker = () => load('./start-worker') as typeof WorkerStart; // their own types
const loadApi = () => load('./start-api') as typeof ApiStart;

/** Hears of events and cancellations, and tells other workers by its connection that this process lives. */
function listenToRuns(
  url: string,
  {
    watcher,
    cancelled,
    presence,
    log,
    memory,
  }: {
    readonly watcher: ReturnType<typeof createRunWatcher>;
    readonly cancelled: ReturnType<typeof createCancelledRuns>;
    readonly presence: number;
    readonly log: Logger;
    readonly memory: ArchivalMemory;
  },
) {
  return createListener(url, {
    channels: [RUN_EVENTS_CHANNEL, RUN_CANCELLED_CHANNEL, PASSAGES_DUE_CHANNEL],
    statements: [holdPresence(presence)],
    onNotice: (channel, payload) => {
      if (channel === RUN_EVENTS_CHANNEL) watcher.notify(payload);
      else if (channel === RUN_CANCELLED_CHANNEL) cancelled.notify(payload);
      else memory.fillEmbeddings();
    },
    onGap: () => watcher.wakeAll(),
    onError: (error) => log.warn({ err: error }, 'lost the connection that listens to Postgres'),
  });
}

function requireServices({ database, temporal }: Config): { url: string; address: string } {
  if (database.url !== null && temporal.address !== null)
    return { url: database.url, address: temporal.address };
  throw new AppError(
    'INVALID_ARGUMENT',
    'DATABASE_URL and TEMPORAL_ADDRESS must be set to run the API or a worker on its own. `npm start` brings both along.',
  );
}

async function main(): Promise<void> {
  const config = loadConfig(readEnvironment());
  const log = createLogger(config.logLevel);
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const { activityType, workflowId, attempt, error } = meta ?? {};
      log[level === 'ERROR' ? 'error' : 'warn'](
        { activityType, workflowId, attempt, err: error as unknown },
        message,
      );
    }),
    shutdownSignals: [],
  });
  const server = await serve(config, log);
  const stopped = stopRequested();
  const models = await listedModels(server.models);
  const providers = [...new Set(models.map((handle) => handle.split('/')[0] ?? handle))];
  tell({ type: 'ready', url: server.url, models, providers });
  if (!process.send) log.info({ url: server.url, roles: config.roles, providers }, 'Everturn is ready');
  await Promise.race([stopped, server.failed]);
  await server.stop();
}

// A provider that is slow to list its models does not hold up the start.
async function listedModels(models: Models): Promise<readonly string[]> {
  const listed = await Promise.race([models.list().catch(() => []), sleep(1_000, [])]);
  return listed.map(({ handle }) => handle);
}

/** SIGTERM and SIGINT ask to stop; so does the end of the supervisor. */
function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
    process.once('disconnect', () => resolve());
  });
}

const tell = (message: ServerMessage): void => void process.send?.(message);

if (require.main === module) {
  main().then(
    () => process.exit(0),
    (error: unknown) => {
      const message =
        error instanceof AppError
          ? error.message
          : error instanceof Error
            ? (error.stack ?? error.message)
            : String(error);
      // The supervisor prints what it is told; alone, this process prints it.
      if (process.send && error instanceof AppError) tell({ type: 'fatal', message });
      else process.stderr.write(`${message}\n`);
      process.exit(1);
    },
  );
}
