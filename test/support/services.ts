import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadConfig, readEnvironment } from '../../config';
import { migrate } from '../../db/migrate';
import { prepareEmbeddedPostgres } from '../../runtime/embedded-postgres';
import { freePort } from '../../runtime/free-port';
import type { Launched } from '../../runtime/processes/launch';
import { ProcessGuard } from '../../runtime/processes/process-guard';
import { findTemporal } from '../../runtime/temporal/temporal-binary';
import { startTemporal } from '../../runtime/temporal/temporal-server';

export interface TestServices {
  /** How test files find the services, see stack.ts. */
  readonly environment: Readonly<Record<string, string>>;
  /** Ends both services and removes their folder. */
  stop(): Promise<void>;
}

/** One Postgres, whose default database is the migrated template, and one Temporal server, in a temporary folder. */
export async function startTestServices(): Promise<TestServices> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-test-'));
  const guard = new ProcessGuard(home);
  const started: [Launched, NodeJS.Signals][] = [];
  const stop = async () => {
    for (const [launched, signal] of started) launched.kill(signal);
    await Promise.all(started.map(([launched]) => launched.exited));
    guard.close();
    fs.rmSync(home, { recursive: true, force: true });
  };
  try {
    const { temporal, cacheFolder, searchPath } = loadConfig(readEnvironment());
    const { signal } = new AbortController();
    const progress = (line: string) => process.stderr.write(`${line}\n`);
    const binary = await findTemporal({
      cliPath: temporal.cliPath,
      cacheFolder,
      home,
      searchPath,
      progress,
      signal,
    });
    const [port, temporalPort] = [await freePort(), await freePort()];
    const temporalStart = startTemporal(
      { binary, home, namespace: 'default', port: temporalPort, uiPort: null, guard },
      signal,
    );
    const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=300'];
    const postgres = prepareEmbeddedPostgres({ home, cacheFolder, port, guard, settings });
    const [database, temporalServer] = await Promise.all([postgres.start(signal), temporalStart]);
    started.push([temporalServer, 'SIGKILL'], [database, 'SIGQUIT']);
    await migrate(postgres.url);
    return {
      environment: {
        TEST_DATABASE_URL: postgres.url,
        TEST_TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
        TEST_PREPARED_HOME: path.join(home, 'prepared'),
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
