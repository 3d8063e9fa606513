import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pgvectorFolder } from '../../runtime/pgvector';

const ROOT = path.resolve(__dirname, '..', '..');

/** Brings pgvector to a data folder as `npm run pgvector:fetch` does. The download is kept for the user's next run. */
export function bringPgvector(home: string): void {
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache');
  const kept = path.join(cache, 'everturn', 'pgvector-for-tests');
  if (!fs.existsSync(path.join(pgvectorFolder(kept), 'extension', 'vector.control'))) fetchInto(kept);
  fs.cpSync(pgvectorFolder(kept), pgvectorFolder(home), { recursive: true });
}

function fetchInto(home: string): void {
  const { status, stderr } = spawnSync(
    process.execPath,
    [path.join(ROOT, 'dist', 'scripts', 'fetch-pgvector.js')],
    {
      env: { ...process.env, EVERTURN_HOME: home },
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`pgvector was not fetched: ${stderr}`);
}
