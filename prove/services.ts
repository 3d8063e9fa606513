import { loadConfig, readEnvironment } from '../config';
import { migrate } from '../db/migrate';
import { prepareEmbeddedPostgres } from '../runtime/embedded-postgres';
import { freePort } from '../runtime/free-port';
import type { Launched } from '../runtime/processes/launch';
import { ProcessGuard } from '../runtime/processes/process-guard';
import { findTemporal } from '../runtime/temporal/temporal-binary';
import { startTemporal } from '../runtime/temporal/temporal-server';

/** The product's own Postgres and Temporal, each of which can be killed and started again. */
export interface Services {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly guard: ProcessGuard;
  kill(service: 'postgres' | 'temporal'): Promise<void>;
  restart(service: 'postgres' | 'temporal'): Promise<void>;
  stop(): Promise<void>;
}

export async function startServices(home: string): Promise<Services> {
  const { temporal, cacheFolder, searchPath } = loadConfig(readEnvironment());
  const guard = new ProcessGuard(home);
  const { signal } = new AbortController();
  const progress = (line: string) => void process.stderr.write(`prove: ${line}\n`);
  const where = { cliPath: temporal.cliPath, cacheFolder, home, searchPath, progress, signal };
  const binary = await findTemporal(where);
  const [port, temporalPort] = [await freePort(), await freePort()];
  const postgres = prepareEmbeddedPostgres({ home, cacheFolder, port, guard });
  const temporalOptions = { binary, home, namespace: 'default', port: temporalPort, uiPort: null, guard };
  const start = {
    postgres: () => postgres.start(signal),
    temporal: () => startTemporal(temporalOptions, signal),
  };
  const running = { postgres: await start.postgres(), temporal: await start.temporal() };
  const end = async (launched: Launched, how: NodeJS.Signals) => {
    launched.kill(how);
    await launched.exited;
  };
  await migrate(postgres.url);
  return {
    databaseUrl: postgres.url,
    temporalAddress: `127.0.0.1:${temporalPort}`,
    guard,
    kill: (service) => end(running[service], 'SIGKILL'),
    async restart(service) {
      running[service] = await start[service]();
    },
    async stop() {
      await end(running.temporal, 'SIGKILL');
      await end(running.postgres, 'SIGINT');
      guard.close();
    },
  };
}
