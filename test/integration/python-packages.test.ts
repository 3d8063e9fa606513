import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { SourceCall } from '../../domain/source-tool';
import { buildTool } from '../support/build-tool';
import { buildWheel } from '../support/build-wheel';
import { testPython } from '../support/python-language';

let folder: string;
let wheels: string;
let kept: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-wheels-'));
  fs.chmodSync(folder, 0o755);
  [wheels, kept] = [path.join(folder, 'wheels'), path.join(folder, 'kept')];
  fs.mkdirSync(wheels);
  const pth = `import os; open(${JSON.stringify(path.join(folder, 'escaped'))}, 'w').close()\n`;
  buildWheel(wheels, { name: 'threes', version: '1.0', source: 'value = 3' });
  buildWheel(wheels, { name: 'threes', version: '2.0', source: 'value = 33' });
  buildWheel(wheels, { name: 'starter', version: '1.0', source: 'value = 4', pth });
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const python = () =>
  testPython({ packagesFolder: kept, pipEnvironment: { PIP_FIND_LINKS: wheels, PIP_NO_INDEX: '1' } });
const call: SourceCall = {
  ...{ agentId: null, runId: 'run-1', stepId: 'step-1', toolCallId: 'call-1', idempotencyKey: 'key' },
  secrets: {},
  signal: new AbortController().signal,
  agentState: () => Promise.resolve(null),
};
const valueOf = async (requirements: { name: string; version?: string }[], language = python()) => {
  const module = requirements[0]!.name;
  const sourceCode = `import ${module}\ndef f(): return ${module}.value`;
  const tool = buildTool({ name: 'f' }, { sourceCode, pipRequirements: requirements });
  return (await language.runTool(tool, {}, call)).result;
};

it('a tool imports the packages that it requires, in the version it names, and each set is installed once', async () => {
  const language = python();

  expect(await valueOf([{ name: 'threes', version: '1.0' }], language)).toBe('3');
  const made = fs.readdirSync(kept).map((name) => [name, fs.statSync(path.join(kept, name)).ino]);
  expect(await valueOf([{ name: 'threes', version: '1.0' }], python())).toBe('3');
  expect(fs.readdirSync(kept).map((name) => [name, fs.statSync(path.join(kept, name)).ino])).toEqual(made);
  expect(await valueOf([{ name: 'threes', version: '2.0' }], language)).toBe('33');
  expect(fs.readdirSync(kept)).toHaveLength(2);
});

it('servers that install one set at once end with one folder, whole', async () => {
  fs.rmSync(kept, { recursive: true });

  const values = await Promise.all(
    [python(), python(), python()].map((each) => valueOf([{ name: 'threes' }], each)),
  );

  expect(values).toEqual(['33', '33', '33']);
  expect(fs.readdirSync(kept)).toHaveLength(1);
});

it('a set that can not be installed is an error of the tool, leaves nothing, and is tried again', async () => {
  const before = fs.readdirSync(kept);

  await expect(valueOf([{ name: 'fours' }])).rejects.toThrow(
    /^The tool's packages \(fours\) could not be installed: [\s\S]*No matching distribution found for fours/,
  );
  expect(fs.readdirSync(kept)).toEqual(before);
  buildWheel(wheels, { name: 'fours', version: '1.0', source: 'value = 44' });
  expect(await valueOf([{ name: 'fours' }])).toBe('44');
});

it('code that a package wants to run at the start of Python runs in the sandbox', async () => {
  expect(await valueOf([{ name: 'starter' }])).toBe('4');
  expect(fs.existsSync(path.join(folder, 'escaped'))).toBe(false);
});

it.each(['--pre', '../x', 'a @ file:///x', 'a; import os'])('%s is no package', async (name) => {
  const tool = buildTool({ name: 'f' }, { sourceCode: 'def f(): return 1', pipRequirements: [{ name }] });

  await expect(python().runTool(tool, {}, call)).rejects.toThrow(/is not the name of a Python package/);
});
