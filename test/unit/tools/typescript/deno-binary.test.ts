import { existsSync } from 'node:fs';
import { findDeno } from '../../../../tools/typescript/deno-binary';

it('finds the binary that npm installed for this machine', () => {
  expect(existsSync(findDeno())).toBe(true);
});

it('names the package and the command when it is missing', () => {
  const missing = () => {
    throw new Error('Cannot find module');
  };

  expect(() => findDeno('linux-arm64', missing)).toThrow(
    'This server cannot run TypeScript: the optional package @deno/linux-arm64-glibc is not installed. ' +
      'Run "npm install --include=optional" in the folder of the server, then start it again.',
  );
});

it('says so on a machine that Deno does not know', () => {
  expect(() => findDeno('sunos-x64')).toThrow(
    'there is no Deno for sunos-x64. Linux (glibc) and macOS have one.',
  );
});
