import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';

// The runner as it ships, but for one thing: this machine's loopback counts as public, at one port. Nothing else on
// this machine can stand for a public server.
let folder: string;
let server: http.Server;
let port: number;

beforeAll(async () => {
  server = http.createServer((_req, res) => res.end('hello from a server'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-network-'));
  fs.chmodSync(folder, 0o755);
  for (const name of fs.readdirSync('tools/python').filter((each) => each.endsWith('.py'))) {
    const shipped = fs.readFileSync(path.join('tools/python', name), 'utf8');
    const changed = shipped.replace('PORTS = (80, 443)', `PORTS = (${port},)`).replace(`'127.0.0.0/8', `, '');
    fs.writeFileSync(path.join(folder, name), changed);
  }
});
afterAll(() => {
  server.close();
  fs.rmSync(folder, { recursive: true });
});

async function run(body: string, home: string): Promise<unknown> {
  const nonce = randomBytes(24).toString('hex');
  const child = spawn('/usr/bin/env', ['python3', '-I', '-S', path.join(folder, 'run_tool.py')], {
    stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
  });
  const limits = { memoryBytes: 2 ** 30, fileBytes: 2 ** 20, cpuSeconds: 20 };
  const request = {
    ...{
      kind: 'tool',
      name: 'f',
      source: `import socket\ndef f():\n    ${body}`,
      arguments: {},
      argumentsSchema: null,
      agentState: 'null',
    },
    ...{ agentId: null, limit: 1000, packages: [], environment: {}, nonce, parent: process.pid },
    policy: { mode: 'landlock', work: home, network: true, readable: [], limits },
  };
  child.stdin?.end(JSON.stringify(request));
  const answer = await text(child.stdio[3] as Readable);
  expect(answer.startsWith(`\n${nonce} `)).toBe(true);
  return JSON.parse(answer.slice(1 + nonce.length));
}

/** With folders that every user can reach and with one that only this user can, which decides whose the tool is. */
describe.each([
  ['open to all', 0o1777],
  ['of this user alone', 0o700],
])('a tool with a network, below a folder that is %s', (_what, mode) => {
  const inFolder = (body: string) => {
    const parent = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-parent-'));
    fs.chmodSync(parent, mode);
    const home = path.join(parent, 'home');
    fs.mkdirSync(home);
    return run(body, home).finally(() => fs.rmSync(parent, { recursive: true }));
  };

  it('reaches a public server by its name', async () => {
    const fetch = `import urllib.request; return urllib.request.urlopen("http://localhost:${port}/").read().decode()`;

    expect(await inFolder(fetch)).toMatchObject({ value: 'hello from a server' });
  });

  it('reaches it without waiting, and from several threads', async () => {
    const body = `
    import asyncio, concurrent.futures, urllib.request
    async def read():
        reader, writer = await asyncio.open_connection("127.0.0.1", ${port})
        writer.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
        return (await reader.read()).decode().split("\\r\\n\\r\\n")[1]
    one = asyncio.run(read())
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        get = lambda _: urllib.request.urlopen("http://127.0.0.1:${port}/").read().decode()
        return one, set(pool.map(get, range(8)))`;

    expect(await inFolder(body)).toMatchObject({ value: "('hello from a server', {'hello from a server'})" });
  });

  it('reaches no other port and no other address', async () => {
    const tried = (host: string, at: number) =>
      inFolder(`return socket.create_connection(("${host}", ${at}), 2)`);

    expect(await tried('127.0.0.1', port + 1)).toMatchObject({ error: { type: 'PermissionError' } });
    expect(await tried('10.0.0.1', port)).toMatchObject({ error: { type: 'PermissionError' } });
  });
});
