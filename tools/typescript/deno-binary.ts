import { createRequire } from 'node:module';
import path from 'node:path';
import { toolError } from '../../domain/tool-failure';

const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@deno/linux-x64-glibc',
  'linux-arm64': '@deno/linux-arm64-glibc',
  'darwin-x64': '@deno/darwin-x64',
  'darwin-arm64': '@deno/darwin-arm64',
};

/**
 * The Deno that npm installed for this machine, found without the install scripts of any package. A tool error that names
 * the way out when there is none.
 */
export function findDeno(
  platform = `${process.platform}-${process.arch}`,
  resolve: (id: string) => string = createRequire(__filename).resolve,
): string {
  const name = PACKAGES[platform];
  if (name === undefined) {
    throw toolError(
      'NotImplementedError',
      `This server cannot run TypeScript: there is no Deno for ${platform}. Linux (glibc) and macOS have one.`,
    );
  }
  try {
    return path.join(path.dirname(resolve(`${name}/package.json`)), 'deno');
  } catch (cause) {
    throw toolError(
      'RuntimeError',
      `This server cannot run TypeScript: the optional package ${name} is not installed. ` +
        'Run "npm install --include=optional" in the folder of the server, then start it again.',
      { cause },
    );
  }
}
