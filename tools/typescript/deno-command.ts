import path from 'node:path';
import { toolError } from '../../domain/tool-failure';
import { findDeno } from './deno-binary';
import type { Gateway } from './gateway';
import type { DenoJob } from './run-job';
import { LEAST_MEMORY_BYTES, RESERVED_BYTES, type TypeScriptSettings } from './settings';

const RUNNER = path.join(__dirname, 'run-tool.mjs');

// Descriptor 3 ends when the server does, however it dies: then the watcher kills the group, itself included. `ulimit -d`
// bounds the memory beside V8's own heap, which nothing in Deno does.
const SCRIPT = `ulimit -c 0; ulimit -d "$1"; shift
(read -r _ <&3; kill -9 0) >/dev/null 2>&1 &
exec "$@" 3<&-`;

export interface Place {
  readonly job: DenoJob;
  readonly folder: string;
  readonly gateway: Gateway | null;
}

/** Runs Deno in the process group of the shell that it replaces, with what the job may do and no more. */
export function denoCommand(place: Place, settings: TypeScriptSettings): readonly [string, ...string[]] {
  const memoryBytes = Math.max(settings.memoryBytes, LEAST_MEMORY_BYTES);
  const limitKb = String(Math.ceil((memoryBytes + RESERVED_BYTES) / 1024));
  const deno = [findDeno(), 'run', ...flagsOf(place, memoryBytes), RUNNER];
  return ['/bin/sh', '-c', SCRIPT, 'sh', limitKb, ...deno];
}

/** All that the code may do: read itself and its packages, the variables it is given, and ask the gateway. */
function flagsOf({ job, folder, gateway }: Place, memoryBytes: number): string[] {
  const readable = job.packages ? [folder, job.packages.folder] : [path.join(folder, job.fileName)];
  const variables = Object.keys(job.environment);
  // Deno's lists are separated by commas, so a folder with one would open others.
  const odd = readable.find((each) => each.includes(','));
  if (odd !== undefined)
    throw toolError(
      'RuntimeError',
      `This server cannot run TypeScript below ${odd}: rename the folder with the comma.`,
    );
  return [
    ...['--quiet', '--no-prompt', '--no-remote', '--no-config', '--no-lock', '--no-code-cache', '--no-check'],
    ...(job.packages ? ['--cached-only', '--node-modules-dir=manual'] : ['--no-npm']),
    `--v8-flags=--max-old-space-size=${Math.floor(memoryBytes / 2 ** 21)}`,
    `--allow-read=${readable.join(',')}`,
    ...(variables.length > 0 ? [`--allow-env=${variables.join(',')}`] : []),
    '--ignore-env',
    ...(gateway ? [`--allow-net=127.0.0.1:${gateway.port}`] : []),
  ];
}
