import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeOwnedFolder, removeLeftBehind } from '../../../tools/sandbox/owned-folder';
import { descendants, isAlive, until } from '../../support/started';

let parent: string;
beforeEach(() => (parent = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-owned-'))));
afterEach(() => fs.rmSync(parent, { recursive: true }));

it('a folder of a process that was killed in the middle of a call is removed at once, one of a living process stays', async () => {
  const hook = path.join(__dirname, '../../support/register-typescript.cjs');
  const script = path.join(__dirname, '../../support/run-typescript-tool.ts');
  const source = '/** f */\nexport function f(): void { for (;;); }';
  const env = { ...process.env, TMPDIR: parent };
  const server = spawn(process.execPath, ['-r', hook, script, source], { stdio: 'ignore', env });
  await until(() => fs.readdirSync(parent).some((name) => name.startsWith('everturn-tool-')));
  const [left = ''] = fs.readdirSync(parent).filter((name) => name.startsWith('everturn-tool-'));
  const own = path.basename(await makeOwnedFolder(parent, 'everturn-tool-'));

  await removeLeftBehind(parent, 'everturn-tool-');
  expect(fs.readdirSync(parent).sort()).toEqual([left, own].sort());
  const below = descendants(server.pid ?? 0);
  server.kill('SIGKILL');
  await until(() => ![server.pid ?? 0, ...below].some(isAlive));
  await removeLeftBehind(parent, 'everturn-tool-');

  expect(fs.readdirSync(parent)).toEqual([own]);
});

it('where nobody can tell whose a folder is, its age decides, and what is named otherwise stays', async () => {
  const own = path.basename(await makeOwnedFolder(parent, 'partial-'));
  const [namespace, pid, startedAt] = own.slice('partial-'.length, -'-abcdef'.length).split('.');
  const names = {
    elsewhere: `partial-1.${pid}.${startedAt}-abcdef`,
    elsewhereOld: `partial-1.${pid}.${startedAt}-ghijkl`,
    numberUsedAgain: `partial-${namespace}.${pid}.1-abcdef`,
    other: `other-${namespace}.${pid}.1-abcdef`,
    plain: 'partial-abcdef',
  };
  for (const name of Object.values(names)) fs.mkdirSync(path.join(parent, name));
  const old = new Date(Date.now() - 2 * 3_600_000);
  for (const name of [names.elsewhereOld, names.other, names.plain])
    fs.utimesSync(path.join(parent, name), old, old);

  await removeLeftBehind(parent, 'partial-');

  const kept = [own, names.elsewhere, names.other, names.plain];
  expect(fs.readdirSync(parent).sort()).toEqual(kept.sort());
});
