import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VERSION = '1.12.1';

/** Runs a script of test/e2e/python with the unmodified Python SDK; resolves with the lines it printed. */
export async function runPython(script: string, ...args: readonly string[]): Promise<readonly string[]> {
  const file = path.join(__dirname, '..', 'e2e', 'python', script);
  const { stdout } = await run(await pythonWithSdk(), [file, ...args], { timeout: 150_000 });
  return stdout.trim().split('\n');
}

/** A private environment with the SDK, made once per user and version; its interpreter. */
export async function pythonWithSdk(): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache');
  const folder = path.join(cache, 'everturn', `letta-client-${VERSION}`);
  const python = path.join(folder, 'bin', 'python');
  if (fs.existsSync(path.join(folder, 'ready'))) return python;
  fs.rmSync(folder, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', folder], { timeout: 110_000 });
  await run(python, ['-m', 'pip', 'install', '--quiet', `letta-client==${VERSION}`], { timeout: 110_000 });
  fs.writeFileSync(path.join(folder, 'ready'), '');
  return python;
}
