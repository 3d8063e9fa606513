import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createTypeScriptLanguage } from '../../../tools/typescript/typescript-language';
import { silentLog, sourceCall, typeScriptSettings, typeScriptTool } from '../../support/typescript-tools';

// Fetches of tools that were given a network. The public internet is played by a server on a loopback address that the
// settings allow; any other address of loopback stays what it is.

const PUBLIC = '127.0.0.2';
let server: http.Server;
let base = '';
const seen: { request: IncomingMessage; body: string }[] = [];

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  seen.push({ request, body });
  const { pathname, searchParams } = new URL(request.url ?? '/', base);
  if (pathname === '/to') {
    const location = searchParams.get('location') ?? '';
    response.writeHead(Number(searchParams.get('status')), { location }).end();
  } else if (pathname === '/empty') response.writeHead(204).end();
  else if (pathname === '/missing') response.writeHead(404, { 'x-kind': 'none' }).end('not here');
  else {
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.end(`${request.method} ${pathname} ${body}`);
  }
}

beforeAll(async () => {
  server = http.createServer((request, response) => void answer(request, response));
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  base = `http://${PUBLIC}:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => (seen.length = 0));

const language = createTypeScriptLanguage(
  typeScriptSettings({ network: true, allowAddress: (address) => address === PUBLIC }),
  silentLog,
);
const run = (code: string, facts: Parameters<typeof typeScriptTool>[1] = {}) =>
  language.runTool(
    typeScriptTool(`export async function f(): Promise<unknown> { ${code} }`, facts),
    {},
    sourceCall(),
  );

it('carries method, headers and body there, and status, headers and body back', async () => {
  const outcome = await run(`
    const response = await fetch('${base}/echo', { method: 'PUT', headers: { 'x-mine': 'yes' }, body: 'ä' });
    const missing = await fetch(new URL('${base}/missing'));
    const empty = await fetch(new Request('${base}/empty'));
    return [response.status, response.ok, response.url, response.headers.getSetCookie(), await response.text(),
      missing.status, missing.headers.get('x-kind'), await missing.text(), empty.status, empty.body];`);

  expect(JSON.parse(outcome.result)).toEqual([
    200, true, `${base}/echo`, ['a=1', 'b=2'], 'PUT /echo ä', 404, 'none', 'not here', 204, null,
  ]); // prettier-ignore
  expect(seen[0]?.request.headers).toMatchObject({ 'x-mine': 'yes' });
  expect(seen[0]?.request.headers.authorization).toBeUndefined();
});

it('follows redirects as fetch does', async () => {
  const outcome = await run(`
    const to = (status) => '${base}/to?' + new URLSearchParams({ status, location: '/there' });
    const kept = await fetch(to('307'), { method: 'POST', body: 'b' });
    const changed = await fetch(to('303'), { method: 'POST', body: 'b' });
    const manual = await fetch(to('302'), { redirect: 'manual' });
    return [await kept.text(), await changed.text(), changed.redirected, changed.url, manual.status];`);

  expect(JSON.parse(outcome.result)).toEqual(['POST /there b', 'GET /there ', true, `${base}/there`, 302]);
});

it.each([
  ['loopback', () => base.replace(PUBLIC, '127.0.0.1')],
  ['loopback written as a number', () => base.replace(PUBLIC, '2130706433')],
  ['a name of loopback', () => base.replace(PUBLIC, 'localhost')],
  ['loopback of IPv6', () => 'http://[::1]/'],
  ['an IPv4 address within IPv6', () => 'http://[::ffff:127.0.0.1]/'],
  ['a private network of IPv6', () => 'http://[fd00::2]/'],
  ['the address of metadata', () => 'http://169.254.169.254/latest/meta-data/'],
  [
    'a redirect to loopback',
    () => `${base}/to?status=302&location=${encodeURIComponent(base.replace(PUBLIC, '127.0.0.1'))}`,
  ],
])('does not reach %s', async (_, address) => {
  const outcome = await run(`return (await fetch('${address()}')).text()`);

  expect(outcome.result).toMatch(/^Error executing function f: TypeError: .* is not a public address/);
  expect(seen.filter(({ request }) => request.headers.host?.startsWith('127.0.0.1'))).toEqual([]);
});

it.each([
  ['sockets', `await Deno.connect({ hostname: '${PUBLIC}', port: 1 })`],
  [
    "Node's sockets",
    `const { connect } = await import('node:net'); await new Promise((r, j) => connect(1, '${PUBLIC}').on('error', j))`,
  ],
  ['listening', 'Deno.listen({ port: 0 })'],
])('gives no %s', async (_, code) => {
  await expect(run(code)).resolves.toMatchObject({ result: expect.stringContaining('Requires net access') });
});

it('drops credentials when it is sent to another server', async () => {
  const elsewhere = base.replace(PUBLIC, '127.0.0.2.nip.invalid');
  await run(`
    await fetch('${base}/to?' + new URLSearchParams({ status: '302', location: '${base}/same' }), { headers: { authorization: 'Bearer x' } });
    await fetch('${base}/to?' + new URLSearchParams({ status: '302', location: '${elsewhere}/' }), { headers: { authorization: 'Bearer x' } }).catch(() => 0);`);

  expect(seen.map(({ request }) => [request.url?.slice(0, 5), request.headers.authorization])).toEqual([
    ['/to?s', 'Bearer x'],
    ['/same', 'Bearer x'],
    ['/to?s', 'Bearer x'],
  ]);
});

it('is off for a tool that says so, whatever the server allows, and for run_code', async () => {
  await expect(run(`await fetch('${base}')`, { network: false })).resolves.toMatchObject({
    result: expect.stringContaining('Requires net access'),
  });
  await expect(language.runCode['js']!(`await fetch('${base}')`, sourceCall())).resolves.toMatchObject({
    error: { value: expect.stringContaining('Requires net access') },
  });
  expect(seen).toEqual([]);
});
