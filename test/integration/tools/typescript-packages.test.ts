import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { toDependencies } from '../../../tools/typescript/npm-packages';
import { createTypeScriptLanguage } from '../../../tools/typescript/typescript-language';
import { silentLog, sourceCall, typeScriptSettings, typeScriptTool } from '../../support/typescript-tools';

// npm is a stand-in that writes a package, as the registry is on the internet; what it is asked is the real thing.

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-npm-'));
const asked = path.join(folder, 'asked');
const packagesFolder = path.join(folder, 'packages');
const NPM = `#!/bin/sh
echo "$PWD $*" >> ${asked}
grep -q broken package.json && { echo "npm error 404 Not Found - broken" >&2; exit 1; }
mkdir -p node_modules/greeter
echo '{"name":"greeter","version":"1.2.3","main":"index.js"}' > node_modules/greeter/package.json
echo 'module.exports = { greet: (name) => "hello " + name };' > node_modules/greeter/index.js
`;
beforeAll(() => {
  fs.writeFileSync(path.join(folder, 'npm'), NPM, { mode: 0o755 });
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const searchPath = [folder, '/usr/local/bin', '/usr/bin', '/bin'];
const language = createTypeScriptLanguage(typeScriptSettings({ packagesFolder, searchPath }), silentLog);
const run = (code: string, npmRequirements: readonly Record<string, unknown>[], on = language) =>
  on.runTool(typeScriptTool(code, { npmRequirements }), {}, sourceCall());

const GREET = "import { greet } from 'greeter';\nexport const f = () => greet('you');";

it('installs the packages of a tool once, without their scripts, and lets it import them', async () => {
  const both = await Promise.all([
    run(GREET, [{ name: 'greeter', version: '^1.2.0' }]),
    run("import g from 'npm:greeter';\nexport const f = () => g.greet('all');", [
      { name: 'greeter', version: '^1.2.0' },
    ]),
  ]);
  const later = await run(GREET, [{ name: 'greeter', version: '^1.2.0' }]);

  expect([...both, later].map(({ result }) => result)).toEqual(['hello you', 'hello all', 'hello you']);
  const calls = fs.readFileSync(asked, 'utf8').trim().split('\n');
  expect(calls).toHaveLength(1);
  expect(calls[0]).toMatch(/ install --ignore-scripts /);
});

it('lets a tool import only what it asked for, and read nothing else', async () => {
  const requirements = [{ name: 'greeter', version: '^1.2.0' }];

  await expect(run("import 'lodash';\nexport const f = () => 1;", requirements)).resolves.toMatchObject({
    status: 'error',
  });
  await expect(
    run(
      "import { readFileSync } from 'node:fs';\nimport 'greeter';\nexport const f = () => readFileSync('/etc/passwd', 'utf8');",
      requirements,
    ),
  ).resolves.toMatchObject({ result: expect.stringContaining('Requires read access') });
  await expect(
    run("import 'greeter';\nexport const f = () => Deno.writeTextFileSync('x', 'x');", requirements),
  ).resolves.toMatchObject({ result: expect.stringContaining('Requires write access') });
});

it('tells what npm said when a package cannot be installed, and leaves nothing of it', async () => {
  fs.mkdirSync(packagesFolder, { recursive: true });
  const before = fs.readdirSync(packagesFolder);
  await expect(run(GREET, [{ name: 'broken', version: '1.0.0' }])).rejects.toThrow(
    "The tool's packages (broken@1.0.0) could not be installed: 404 Not Found - broken",
  );
  expect(fs.readdirSync(packagesFolder)).toEqual(before);
});

it('says so when there is no npm', async () => {
  const without = createTypeScriptLanguage(
    typeScriptSettings({
      packagesFolder: path.join(folder, 'other'),
      searchPath: [path.join(folder, 'nowhere')],
    }),
    silentLog,
  );

  await expect(run(GREET, [{ name: 'greeter' }], without)).rejects.toThrow(
    "The tool's packages (greeter@latest) could not be installed: there is no npm on the PATH of the server. Install it.",
  );
});

it.each([
  [{ name: '../x' }, "'../x' is not the name of an npm package."],
  [{ name: '-g' }, "'-g' is not the name of an npm package."],
  [{ name: 'a', version: 'file:/etc' }, '"file:/etc" is not a version of a.'],
  [{ name: 'a', version: 'git+ssh://x' }, '"git+ssh://x" is not a version of a.'],
  [{ name: 'a', version: 'npm:b@1' }, '"npm:b@1" is not a version of a.'],
])('refuses %j', (requirement, message) => {
  expect(() => toDependencies([requirement])).toThrow(message);
});
