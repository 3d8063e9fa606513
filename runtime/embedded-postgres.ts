import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { databaseUrl, ensureDatabase } from '../db/ensure-database';
import { AppError } from '../domain/errors';
import { readIfThere, reasonOf } from './data-folder';
import { launch, PLAIN_ENVIRONMENT, type Launched } from './processes/launch';
import { untilReady } from './processes/until-ready';
import { pgvectorSettings } from './pgvector';
import { findPostgres, type PostgresBinaries } from './postgres-binaries';
import type { ProcessGuard } from './processes/process-guard';

// Postgres refuses to run as root, and initdb wants a user that has a name: nobody is there on every system.
const NOBODY = 65_534;
const USER = 'everturn';
const DATABASE = 'everturn';

export interface EmbeddedPostgresOptions {
  /** The data folder; Postgres lives in its subfolder `postgres`. */
  readonly home: string;
  readonly cacheFolder: string;
  readonly port: number;
  readonly guard: ProcessGuard;
  /** Hears of the one thing that takes a while: creating the cluster. */
  readonly progress?: (line: string) => void;
  /** Server settings on top of ours, for example `fsync=off` in tests. */
  readonly settings?: readonly string[];
}

/** An initialized cluster that can be started again and again on the same port and data. */
export interface EmbeddedPostgres {
  readonly url: string;
  /** Resolves when the server takes queries. */
  start(signal: AbortSignal): Promise<Launched>;
}

/**
 * Prepares the embedded Postgres in the data folder: creates the cluster on the first start, in one step, with a random
 * password that is readable by its owner only. As root the cluster belongs to nobody and is run by nobody.
 */
export function prepareEmbeddedPostgres(options: EmbeddedPostgresOptions): EmbeddedPostgres {
  const { home, port, cacheFolder } = options;
  const uid = process.getuid?.() === 0 ? NOBODY : undefined;
  const binaries = findPostgres(uid, [cacheFolder, path.join(home, 'cache')]);
  const folder = path.join(home, 'postgres');
  const data = path.join(folder, 'data');
  const password = passwordOf(home, fs.existsSync(data));
  if (!fs.existsSync(data)) options.progress?.('Creating the database ...');
  if (!fs.existsSync(data)) createCluster({ folder, data, binaries, password, uid });
  const server = { port, user: USER, password };
  return {
    url: databaseUrl(server, DATABASE),
    async start(signal) {
      refuseForeignServer(data);
      const launched = launchPostgres({ ...options, data, binaries, uid });
      try {
        const isReady = () => ensureDatabase(server, DATABASE);
        await untilReady({ what: 'The embedded Postgres', launched, isReady, timeoutMs: 30_000, signal });
        return launched;
      } catch (error) {
        launched.kill('SIGQUIT');
        await launched.exited;
        throw error;
      }
    },
  };
}

function passwordOf(home: string, hasCluster: boolean): string {
  const file = path.join(home, 'postgres.password');
  const stored = readIfThere(file)?.trim();
  if (stored) return stored;
  if (hasCluster) {
    throw new AppError(
      'CONFLICT',
      `${file} is missing, so the database in ${home} can't be opened; restore that file.`,
    );
  }
  const password = randomBytes(24).toString('hex');
  fs.writeFileSync(file, `${password}\n`, { mode: 0o600, flush: true });
  return password;
}

interface ClusterOptions {
  readonly folder: string;
  readonly data: string;
  readonly binaries: PostgresBinaries;
  readonly password: string;
  readonly uid: number | undefined;
}

/** Runs initdb beside the final place and renames: a start that is killed here leaves nothing that looks finished. */
function createCluster({ folder, data, binaries, password, uid }: ClusterOptions): void {
  const partial = path.join(folder, 'data.partial');
  const passwordFile = path.join(folder, 'initial-password');
  fs.rmSync(partial, { recursive: true, force: true });
  fs.mkdirSync(partial, { recursive: true, mode: 0o700 });
  fs.writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (uid !== undefined) for (const entry of [folder, partial, passwordFile]) fs.chownSync(entry, uid, uid);
  const owner = uid === undefined ? {} : { uid, gid: uid };
  const at = seenFrom(partial, uid);
  const args = ['-D', at, '-U', USER, '-A', 'scram-sha-256', `--pwfile=${at}/../initial-password`];
  const locale = ['-E', 'UTF8', '--locale=C', '--no-instructions'];
  const done = spawnSync(binaries.initdb, [...args, ...locale], {
    ...owner,
    cwd: partial,
    env: PLAIN_ENVIRONMENT,
    encoding: 'utf8',
  });
  fs.rmSync(passwordFile, { force: true });
  if (done.status !== 0) {
    const reason = done.error ? reasonOf(done.error) : done.stderr.trim();
    throw new AppError(
      'UNAVAILABLE',
      `The embedded Postgres could not create its data in ${folder}: ${reason}`,
    );
  }
  fs.renameSync(partial, data);
}

/**
 * The data folder's name for a process that starts inside it. Nobody can't walk through a folder of root's own, such as
 * /root, but on Linux a process reaches the folder it stands in without walking.
 */
const seenFrom = (folder: string, uid: number | undefined): string =>
  uid !== undefined && process.platform === 'linux' ? '/proc/self/cwd' : folder;

function launchPostgres(
  options: EmbeddedPostgresOptions & Omit<ClusterOptions, 'folder' | 'password'>,
): Launched {
  const { home, port, guard, data, binaries, uid, settings = [] } = options;
  const ours = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'cluster_name=everturn',
    'max_connections=100',
    'shared_buffers=128MB',
    'jit=off',
  ];
  return launch({
    name: 'postgres',
    command: binaries.postgres,
    args: [
      '-D',
      seenFrom(data, uid),
      '-p',
      String(port),
      ...[...ours, ...pgvectorSettings(home, data, seenFrom(data, uid)), ...settings].flatMap((each) => [
        '-c',
        each,
      ]),
    ],
    cwd: data,
    uid,
    logFile: path.join(home, 'postgres.log'),
    stopSignal: 'SIGINT',
    guard,
  });
}

/**
 * Clears the lock file of a Postgres that is gone although its pid belongs to somebody again, which Postgres itself
 * can't tell. A server that somebody started on this data by hand is named instead.
 */
function refuseForeignServer(data: string): void {
  if (process.platform !== 'linux') return;
  const file = path.join(data, 'postmaster.pid');
  const pid = Number(readIfThere(file)?.split('\n')[0]);
  if (!pid || !fs.existsSync(`/proc/${pid}`)) return;
  if (runsIn(pid, data)) {
    throw new AppError(
      'CONFLICT',
      `A Postgres (pid ${pid}) that Everturn did not start uses ${data}; stop it first.`,
    );
  }
  fs.rmSync(file, { force: true });
}

function runsIn(pid: number, folder: string): boolean {
  try {
    return fs.realpathSync(`/proc/${pid}/cwd`) === fs.realpathSync(folder);
  } catch {
    return false; // Another user's process: the cluster's owner is us.
  }
}
