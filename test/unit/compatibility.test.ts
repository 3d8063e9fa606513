import fs from 'node:fs';
import path from 'node:path';
import { readLettaRoutes, renderPage, routeKey, servedRoutes } from '../../scripts/compatibility';
import { SUPPORT } from '../../scripts/letta-support';

const ROOT = path.resolve(__dirname, '..', '..');
const routes = readLettaRoutes(ROOT);
const served = servedRoutes();
const lettaKeys = routes.map(({ method, path: route }) => routeKey(method, route));

it('the routes of the routers are found', () => {
  expect(served).toEqual(
    expect.arrayContaining(['GET /v1/health', 'PATCH /v1/agents/{}/core-memory/blocks/attach/{}']),
  );
  expect(served.every((key) => /^[A-Z]+ \/v1\/[^:]+$/.test(key))).toBe(true);
});

it('every route that is served is one of Letta, or is explained on the page', () => {
  const page = fs.readFileSync(path.join(ROOT, 'docs', 'letta-compatibility.md'), 'utf8');
  const own = served.filter((key) => !lettaKeys.includes(key));

  expect(own.filter((key) => !page.includes(key))).toEqual([]);
});

it('every served route of Letta names its proof, and nothing else does', () => {
  expect(Object.keys(SUPPORT).sort()).toEqual(served.filter((key) => lettaKeys.includes(key)));
});

it.each(Object.entries(SUPPORT))('the proof of %s is a test', (_key, { file, title }) => {
  const source = fs.readFileSync(path.join(ROOT, 'test', file), 'utf8');
  const quoted = [`'${title}'`, `"${title}"`, `\`${title}\``];

  expect(quoted.some((text) => source.includes(text))).toBe(true);
});

it('docs/letta-compatibility.md is what the routers and the tables say', () => {
  const page = fs.readFileSync(path.join(ROOT, 'docs', 'letta-compatibility.md'), 'utf8');

  // Out of date? npm run build && node dist/scripts/compatibility.js
  expect(page).toBe(renderPage(routes, served));
});
