import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { fromSetup } from './stack';
import { startEverturn, until } from './started';

const run = promisify(execFile);

/**
 * Fills a data folder as a first start leaves it, for tests of what comes later: a copy takes a quarter of what a first
 * start does. The first such test of a run makes the original.
 */
export async function prepareHome(home: string): Promise<void> {
  const original = fromSetup('TEST_PREPARED_HOME');
  const done = `${original}.done`;
  if (claim(`${original}.lock`)) {
    await startOnce(original);
    fs.writeFileSync(done, '');
  }
  await until(
    () => fs.existsSync(done),
    100_000,
    () => 'another file was to prepare a data folder',
  );
  fs.mkdirSync(home, { recursive: true, mode: 0o700 });
  await run('cp', ['-a', `${original}/.`, home]); // fs.cp would make all of it ours, and Postgres' files are nobody's.
}

function claim(lock: string): boolean {
  try {
    fs.mkdirSync(lock);
    return true;
  } catch {
    return false; // Another file makes the original.
  }
}

async function startOnce(home: string): Promise<void> {
  const everturn = startEverturn({ EVERTURN_HOME: home, PORT: '0' });
  await everturn.ready();
  everturn.kill('SIGTERM');
  await everturn.ended;
  // Copies run side by side, so each finds ports of its own.
  fs.rmSync(path.join(home, 'ports.json'));
}
