import { migrate } from '../db/migrate';
import type { Config } from '../config';
import { AppError } from '../domain/errors';
import type { Logger } from '../log';
import { prepareDataFolder } from './data-folder';
import { prepareEmbeddedPostgres } from './embedded-postgres';
import { freePort, rememberedPort, requirePort } from './free-port';
import { lockDataFolder } from './instance-lock';
import { ProcessGuard } from './processes/process-guard';
import { startServer, type ServerReady } from './server-process';
import { supervise, type Service, type Supervised } from './processes/supervise';
import { findTemporal } from './temporal/temporal-binary';
import { startTemporal } from './temporal/temporal-server';

export interface StackOptions {
  readonly config: Config;
  /** What the server process inherits. */
  readonly env: NodeJS.ProcessEnv;
  readonly serverModule: string;
  readonly log: Logger;
  readonly progress: (line: string) => void;
  /** Hears that the server gave up for a reason that no restart can mend. */
  readonly onFatal: (error: AppError) => void;
  /** Ends a start that is under way; everything it began is stopped. */
  readonly signal: AbortSignal;
}

/** Everything that one command started. */
export interface Stack {
  readonly ready: ServerReady;
  /** null when Temporal is not ours. */
  readonly temporalUi: string | null;
  /** Server first, so that turns under way are handed back, then Temporal, then Postgres. */
  stop(): Promise<void>;
  hurry(): void;
}

interface Embedded {
  /** In the order in which they were started. */
  readonly services: Supervised[];
  readonly guard: ProcessGuard;
}
interface TemporalAddress {
  readonly address: string;
  readonly ui: string | null;
}

/**
 * Starts what the configuration does not bring (Postgres, Temporal), migrates the database, starts the server, and keeps
 * all of it running. When any first start fails, everything is stopped again and the error says what to do.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { config, log } = options;
  prepareDataFolder(config.home);
  const unlock = lockDataFolder(config.home);
  const embedded: Embedded = { services: [], guard: new ProcessGuard(config.home) };
  const end = async () => {
    for (const service of embedded.services.splice(0).reverse()) await service.stop();
    embedded.guard.close();
    unlock();
  };
  try {
    const orphans = await embedded.guard.endOrphans();
    if (orphans.length > 0) log.info({ orphans }, 'ended what a killed Everturn left behind');
    if (config.api.port !== 0) await requirePort(config.api.host, config.api.port);
    const [databaseUrl, temporal] = await settled([
      startDatabase(options, embedded),
      startTemporalService(options, embedded),
    ]);
    // Chosen last, so that nobody else takes it meanwhile.
    const port = config.api.port === 0 ? await freePort() : config.api.port;
    const env = serverEnvironment(options, { port, databaseUrl, temporalAddress: temporal.address });
    const ready = await startServerService(options, embedded, env);
    const all = [...embedded.services];
    return {
      ready,
      temporalUi: temporal.ui,
      stop: end,
      hurry() {
        for (const service of all) service.hurry();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Waits for both, so that a failure of one doesn't leave the other starting behind our back. */
async function settled<A, B>([a, b]: [Promise<A>, Promise<B>]): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}

async function startDatabase(options: StackOptions, { services, guard }: Embedded): Promise<string> {
  const { config, log, progress } = options;
  let url = config.database.url;
  if (url === null) {
    const { home, cacheFolder } = config;
    const port = await rememberedPort(home, 'postgres');
    const postgres = prepareEmbeddedPostgres({ home, cacheFolder, port, guard, progress });
    const service: Service = {
      name: 'postgres',
      stopSignal: 'SIGINT',
      hurrySignal: 'SIGQUIT',
      stopTimeoutMs: 15_000,
      start: (signal) => postgres.start(signal),
    };
    services.unshift(await supervise(service, options, options.signal));
    url = postgres.url;
  }
  await migrate(url, log);
  return url;
}

async function startTemporalService(
  options: StackOptions,
  { services, guard }: Embedded,
): Promise<TemporalAddress> {
  const { config, progress, signal } = options;
  if (config.temporal.address !== null) return { address: config.temporal.address, ui: null };
  const { home, cacheFolder, searchPath } = config;
  const { namespace, cliPath } = config.temporal;
  const binary = await findTemporal({ cliPath, cacheFolder, home, searchPath, progress, signal });
  const port = await rememberedPort(home, 'temporal');
  const uiPort = await rememberedPort(home, 'temporal-ui');
  const service: Service = {
    name: 'temporal',
    stopSignal: 'SIGTERM',
    hurrySignal: 'SIGKILL',
    stopTimeoutMs: 10_000,
    start: (startSignal) => startTemporal({ binary, home, namespace, port, uiPort, guard }, startSignal),
  };
  services.push(await supervise(service, options, signal));
  return { address: `127.0.0.1:${port}`, ui: `http://127.0.0.1:${uiPort}` };
}

async function startServerService(
  options: StackOptions,
  { services, guard }: Embedded,
  env: NodeJS.ProcessEnv,
): Promise<ServerReady> {
  const ready: ServerReady[] = [];
  const service: Service = {
    name: 'server',
    stopSignal: 'SIGTERM',
    hurrySignal: 'SIGKILL',
    stopTimeoutMs: 15_000,
    start: async (signal) => {
      const started = await startServer({ module: options.serverModule, env, guard }, signal);
      ready.push(started.ready);
      return started.launched;
    },
  };
  services.push(await supervise(service, options, options.signal));
  const [first] = ready;
  if (!first) throw new AppError('INTERNAL', 'The server started without saying where it listens.');
  return first;
}

interface Addresses {
  readonly port: number;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
}

function serverEnvironment(
  options: StackOptions,
  { port, databaseUrl, temporalAddress }: Addresses,
): NodeJS.ProcessEnv {
  const { config, env } = options;
  // What is meant for a Temporal elsewhere would break the connection to ours, which speaks plain text on loopback.
  const plain = config.temporal.address === null ? { TEMPORAL_TLS: 'false', TEMPORAL_API_KEY: '' } : {};
  return {
    ...env,
    ...plain,
    EVERTURN_ROLES: 'all',
    EVERTURN_HOME: config.home,
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporalAddress,
  };
}
