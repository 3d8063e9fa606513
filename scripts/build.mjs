// Compiles the server into dist/ and bundles the workflows. With --if-stale it does nothing while dist/ is newer than
// every source file, so a second start costs milliseconds. dist/ is replaced only when everything succeeded.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const folders = [
  'domain',
  'workflows',
  'activities',
  'api',
  'worker',
  'db',
  'llm',
  'tools',
  'runtime',
  'bench',
  'prove',
  'scripts',
];
const files = [
  'config.ts',
  'count-tokens.ts',
  'log.ts',
  'new-id.ts',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
];
const dist = path.join(root, 'dist');
const partial = path.join(root, `dist.${process.pid}`);
const stamp = '.built';

if (process.argv.includes('--if-stale') && isFresh()) process.exit(0);
try {
  build();
} finally {
  fs.rmSync(partial, { recursive: true, force: true });
}

function build() {
  const started = new Date();
  run(
    'Compiling TypeScript',
    'node_modules/typescript/bin/tsc',
    '-p',
    'tsconfig.build.json',
    '--outDir',
    partial,
  );
  // Read at run time and not known to tsc: SQL, Python and what Deno runs.
  for (const folder of ['db/migrations', 'tools']) copyData(folder);
  run('Bundling workflows', path.join(partial, 'worker', 'build-bundle.js'));
  fs.writeFileSync(path.join(partial, stamp), '');
  fs.utimesSync(path.join(partial, stamp), started, started);
  fs.rmSync(dist, { recursive: true, force: true });
  fs.renameSync(partial, dist);
}

function isFresh() {
  const built = fs.statSync(path.join(dist, stamp), { throwIfNoEntry: false })?.mtimeMs;
  return (
    built !== undefined && [...folders, ...files].every((entry) => newest(path.join(root, entry)) <= built)
  );
}

function newest(entry) {
  const stat = fs.statSync(entry, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(
    stat.mtimeMs,
    ...fs
      .readdirSync(entry)
      .filter((name) => name !== '__pycache__')
      .map((name) => newest(path.join(entry, name))),
  );
}

function run(label, ...args) {
  process.stderr.write(`${label} ...\n`);
  const done = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.status === 0) return;
  process.stderr.write(`The build failed at "${label}". Solve the problem above, then run: npm run build\n`);
  fs.rmSync(partial, { recursive: true, force: true });
  process.exit(1);
}

function copyData(folder) {
  fs.cpSync(path.join(root, folder), path.join(partial, folder), {
    recursive: true,
    filter: (source) =>
      (fs.statSync(source).isDirectory() && !source.endsWith('__pycache__')) ||
      /\.(sql|py|mjs)$/.test(source),
  });
}
