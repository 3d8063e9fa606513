import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../../domain/errors';
import type { PythonSettings } from './settings';

const run = promisify(execFile);

/** A Python that can run tools. */
export interface Interpreter {
  readonly executable: string;
  readonly version: string;
}

// Written without syntax that an old Python would refuse, so that it can say how old it is.
const DESCRIBE = `
import os, sys
here = os.path.realpath(os.__file__)
is_open = True
while here != '/':
    if os.path.isdir(here) and not os.stat(here).st_mode & 1: is_open = False
    here = os.path.dirname(here)
print(sys.executable); print('%d.%d' % sys.version_info[:2]); print(int(is_open))
`;

/**
 * The interpreter of tools: the one that is set, else the first `python3` from 3.9 on. A server that runs as root prefers one
 * that every user can read, so that tools can run as nobody.
 */
export async function findInterpreter(settings: PythonSettings): Promise<Interpreter> {
  const candidates = settings.python
    ? [settings.python]
    : settings.searchPath.map((folder) => path.join(folder, 'python3'));
  const found = (await Promise.all(candidates.map(describe))).filter((each) => each !== null);
  const fitting = found.filter(({ version }) => isNewEnough(version));
  const preferred = process.getuid?.() === 0 ? fitting.find((each) => each.isOpen) : undefined;
  const chosen = preferred ?? fitting[0];
  if (chosen) return chosen;
  throw new AppError(
    'UNAVAILABLE',
    settings.python
      ? `TOOL_PYTHON names ${settings.python}, which is no Python from 3.9 on. Correct it.`
      : 'This server finds no python3 from 3.9 on, which tools written in Python need. Install it, or set TOOL_PYTHON.',
  );
}

async function describe(program: string): Promise<(Interpreter & { readonly isOpen: boolean }) | null> {
  try {
    const { stdout } = await run(program, ['-I', '-S', '-c', DESCRIBE], { timeout: 20_000 });
    const [executable, version, isOpen] = stdout.trim().split('\n');
    return executable && version ? { executable, version, isOpen: isOpen === '1' } : null;
  } catch {
    return null; // Not there, or no Python.
  }
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 3 || (major === 3 && minor >= 9);
}
