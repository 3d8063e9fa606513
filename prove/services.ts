import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig, readEnvironment } from '../config';
import { migrate } from '../db/migrate';
import { prepareEmbeddedPostgres } from '../runtime/embedded-postgres';
import { freePort } from '../runtime/free-port';
import type { Launched } from '../runtime/processes/launch';
import { ProcessGuard } from '../runtime/processes/process-guard';
import { findTemporal } from '../runtime/temporal/temporal-binary';
import { startTemporal } from '../runtime/temporal/temporal-server';

export type Service = 'postgres' | 'temporal';

/** The product's own Postgres and Temporal, each of which can be killed and started again. */
export interface Services {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly guard: ProcessGuard;
  kill(service: Service): Promise<void>;
  restart(service: Service): Promise<void>;
  stop(): Promise<void>;
}

// Children of a killed Postgres may outlive it for a moment, and the next one refuses to start beside them. The product's
// supervisor starts again until it works, and so does the kit.
async function startAgain(start: () => Promise<Launched>): Promise<Launched> {
  for (let tries = 1; ; tries++) {
    try {
      return await start();
    } catch (error) {
      if (tries === 20) throw error;
      await sleep(100);
    }
  }
}

export async function startServices(home: string, signal: AbortSignal): Promise<Services> {
  const { temporal, cacheFolder, searchPath } = loadConfig(readEnvironment());
  const guard = new ProcessGuard(home);
  const progress = (line: string) => void process.stderr.write(`prove: ${line}\n`);
  const where = { cliPath: temporal.cliPath, cacheFolder, home, searchPath, progress, signal };
  const binary = await findTemporal(where);
  const [port, temporalPort] = [await freePort(), await freePort()];
  const settings = ['max_connections=300']; // Every lane has pools of its own.
  const postgres = prepareEmbeddedPostgres({ home, cacheFolder, port, guard, settings });
  const temporalOptions = { binary, home, namespace: 'default', port: temporalPort, uiPort: null, guard };
  const start = {
    postgres: () => postgres.start(signal),
    temporal: () => startTemporal(temporalOptions, signal),
  };
  const running = new Map<Service, Launched>();
  const restart = async (service: Service) => void running.set(service, await startAgain(start[service]));
  const kill = async (service: Service, how: NodeJS.Signals = 'SIGKILL') => {
    const launched = running.get(service);
    launched?.kill(how);
    await launched?.exited;
  };
  const stop = async () => {
    await kill('temporal');
    await kill('postgres', 'SIGINT');
    guard.close();
  };
  try {
    await Promise.all([restart('postgres'), restart('temporal')]);
    await migrate(postgres.url);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    databaseUrl: postgres.url,
    temporalAddress: `127.0.0.1:${temporalPort}`,
    guard,
    kill: (service) => kill(service),
    restart,
    stop,
  };
}
