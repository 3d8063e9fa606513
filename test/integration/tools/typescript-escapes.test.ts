import { execFile, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { once } from 'node:events';
import os from 'node:os';
import path from 'node:path';
import type { ToolOutcome } from '../../../domain/tool';
import { findDeno } from '../../../tools/typescript/deno-binary';
import { createTypeScriptLanguage } from '../../../tools/typescript/typescript-language';
import { descendants, isAlive, until } from '../../support/started';
import { silentLog, sourceCall, typeScriptSettings, typeScriptTool } from '../../support/typescript-tools';

// What a hostile tool tries. Each attempt runs twice: in the sandbox, where it has to fail, and with all of Deno's
// permissions, where it has to succeed, so that it is known to be no dud.

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-escape-'));
const secret = path.join(folder, 'secret.json');
const written = path.join(folder, 'written.txt');
const socket = path.join(folder, 'socket');
const servers: net.Server[] = [];
let port = 0;
let connections = 0;

async function listen(place: { readonly path: string } | { readonly port: number; readonly host: string }) {
  const server = net.createServer((client) => {
    connections++;
    client.on('error', () => undefined);
    client.once('data', () =>
      client.end('HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\nreached'),
    );
  });
  servers.push(server);
  server.listen(place);
  await once(server, 'listening');
  return server;
}
beforeAll(async () => {
  fs.writeFileSync(secret, '{"value":"a secret of the server"}');
  port = ((await listen({ port: 0, host: '127.0.0.1' })).address() as AddressInfo).port;
  await listen({ path: socket });
});
afterAll(() => {
  for (const server of servers) server.close();
  fs.rmSync(folder, { recursive: true });
});
beforeEach(() => {
  fs.rmSync(written, { force: true });
  connections = 0;
});

const language = createTypeScriptLanguage(typeScriptSettings(), silentLog);
const inSandbox = (code: string): Promise<ToolOutcome> =>
  language.runTool(typeScriptTool(code), {}, sourceCall());

/** What the same code returns when nothing holds it. */
function unconfined(code: string): Promise<string> {
  const main = path.join(folder, 'main.ts');
  fs.writeFileSync(path.join(folder, 'tool.ts'), code);
  fs.writeFileSync(main, "import { f } from './tool.ts';\nconsole.log(await f());\nDeno.exit(0);\n");
  const args = ['run', '-A', '--quiet', '--no-config', '--no-lock', main];
  const env = { DENO_DIR: path.join(folder, 'cache'), NO_COLOR: '1', PATH: '/usr/bin:/bin' };
  return new Promise((resolve) => {
    execFile(findDeno(), args, { env, timeout: 20_000 }, (error, stdout, stderr) =>
      resolve(error ? `${error.message}\n${stderr}` : stdout.trim()),
    );
  });
}

const body = (code: string) => `export async function f() { ${code} }`;
const worker = (code: string) =>
  body(`const source = URL.createObjectURL(new Blob([${JSON.stringify(code)}], { type: 'application/javascript' }));
    const worker = new Worker(source, { type: 'module' });
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => data.error ? reject(new Error(data.error)) : resolve(data);
    });`);
const NOT_CAPABLE = /Requires (read|write|net|run|sys|env|ffi|import) access/;

describe.each<[string, () => string, RegExp, RegExp]>([
  ['reads a file', () => body("return Deno.readTextFileSync('/etc/passwd')"), NOT_CAPABLE, /root:/],
  [
    'reads a file as Node would',
    () => body(`return (await import('node:fs')).readFileSync(${JSON.stringify(secret)}, 'utf8')`),
    NOT_CAPABLE,
    /a secret/,
  ],
  [
    'imports a file of the server',
    () => `import s from ${JSON.stringify(secret)} with { type: 'json' };\n${body('return s.value')}`,
    NOT_CAPABLE,
    /a secret/,
  ],
  [
    'imports a file at run time',
    () => body(`return (await import(${JSON.stringify(secret)}, { with: { type: 'json' } })).default.value`),
    NOT_CAPABLE,
    /a secret/,
  ],
  [
    'requires a file',
    () =>
      body(
        `const { createRequire } = await import('node:module'); return createRequire('/x.js')(${JSON.stringify(secret)}).value`,
      ),
    NOT_CAPABLE,
    /a secret/,
  ],
  [
    "reads the environment of the server's process",
    () => body('return Deno.readTextFileSync(`/proc/${Deno.ppid}/environ`).length > 0'),
    NOT_CAPABLE,
    /true/,
  ],
  ['lists a folder', () => body("return [...Deno.readDirSync('/')].length"), NOT_CAPABLE, /\d/],
  [
    'writes a file',
    () => body(`Deno.writeTextFileSync(${JSON.stringify(written)}, 'x'); return 'written'`),
    NOT_CAPABLE,
    /written/,
  ],
  ['makes a folder', () => body('return Deno.makeTempDirSync()'), NOT_CAPABLE, /tmp/],
  [
    'opens a database file',
    () =>
      body(
        `const { DatabaseSync } = await import('node:sqlite'); new DatabaseSync(${JSON.stringify(`${written}.db`)}); return 'opened'`,
      ),
    NOT_CAPABLE,
    /opened/,
  ],
  [
    'starts a program',
    () => body("return new Deno.Command('/bin/echo', { args: ['started'] }).outputSync().code"),
    NOT_CAPABLE,
    /^0$/,
  ],
  [
    'starts a program as Node would',
    () => body("return String((await import('node:child_process')).execFileSync('/bin/echo', ['started']))"),
    /Command failed/,
    /started/,
  ],
  ['signals the server', () => body("Deno.kill(Deno.ppid, 'SIGCONT'); return 'sent'"), NOT_CAPABLE, /sent/],
  [
    'calls into a library of the system',
    () =>
      body(
        "return Deno.dlopen(Deno.build.os === 'darwin' ? 'libSystem.dylib' : 'libc.so.6', { getpid: { parameters: [], result: 'i32' } }).symbols.getpid()",
      ),
    NOT_CAPABLE,
    /\d/,
  ],
  [
    'fetches from loopback',
    () => body(`return (await fetch('http://127.0.0.1:${port}/')).text()`),
    NOT_CAPABLE,
    /reached/,
  ],
  [
    'fetches from a name of loopback',
    () => body(`return (await fetch('http://localhost:${port}/')).text()`),
    NOT_CAPABLE,
    /reached/,
  ],
  [
    'connects to loopback',
    () => body(`await Deno.connect({ port: ${port} }); return 'connected'`),
    NOT_CAPABLE,
    /connected/,
  ],
  [
    'connects as Node would',
    () =>
      body(
        `const { connect } = await import('node:net'); return new Promise((resolve, reject) => connect(${port}, '127.0.0.1', () => resolve('connected')).on('error', reject))`,
      ),
    NOT_CAPABLE,
    /connected/,
  ],
  [
    'connects to a socket in the file system',
    () =>
      body(`await Deno.connect({ transport: 'unix', path: ${JSON.stringify(socket)} }); return 'connected'`),
    NOT_CAPABLE,
    /connected/,
  ],
  [
    'connects in a worker of its own',
    () =>
      worker(
        `Deno.connect({ port: ${port} }).then(() => postMessage('connected'), ({ message: error }) => postMessage({ error }))`,
      ),
    NOT_CAPABLE,
    /connected/,
  ],
  [
    'reads a file in a worker of its own',
    () =>
      worker(
        "try { postMessage(Deno.readTextFileSync('/etc/passwd')) } catch ({ message: error }) { postMessage({ error }) }",
      ),
    NOT_CAPABLE,
    /root:/,
  ],
  ['listens', () => body('return Deno.listen({ port: 0 }).addr.transport'), NOT_CAPABLE, /tcp/],
  ['asks for the name of the machine', () => body('return Deno.hostname().length'), NOT_CAPABLE, /\d/],
  [
    'opens the inspector',
    () => body("(await import('node:inspector')).open(0, '127.0.0.1'); return 'opened'"),
    NOT_CAPABLE,
    /opened/,
  ],
  [
    'reads a variable of the server',
    () => body("if (!Deno.env.get('PATH')) throw new Error('no PATH'); return 'read'"),
    /no PATH/,
    /read/,
  ],
  [
    'asks for more permissions',
    () =>
      body(
        "const { state } = await Deno.permissions.request({ name: 'read' }); if (state !== 'granted') throw new Error(state); return state",
      ),
    /denied/,
    /granted/,
  ],
  [
    'keeps something for other tools in a cache',
    () =>
      body("const c = await caches.open('c'); await c.put('http://a.b/', new Response('x')); return 'kept'"),
    /cache storage/,
    /kept/,
  ],
])('a tool that %s', (_, code, refusal, success) => {
  it('is refused in the sandbox and would succeed outside', async () => {
    const outcome = await inSandbox(code());
    const reached = connections;

    expect(outcome.status).toBe('error');
    expect(outcome.result).toMatch(refusal);
    expect(outcome.result + JSON.stringify(outcome.stderr)).not.toMatch(/a secret of the server|root:/);
    expect(fs.existsSync(written)).toBe(false);
    expect(reached).toBe(0);
    await expect(unconfined(code())).resolves.toMatch(success);
  });
});

it.each(['https://example.com/x.ts', 'npm:lodash@4', 'jsr:@std/path'])(
  'cannot import %s',
  async (specifier) => {
    const outcome = await inSandbox(`import '${specifier}';\n${body('return 1')}`);

    expect(outcome).toMatchObject({
      status: 'error',
      result: expect.stringMatching(/import access|--no-npm|--no-remote/),
    });
  },
);

describe('a tool that takes without end', () => {
  it('gets no memory beside the heap beyond its limit', async () => {
    const outcome = await inSandbox(
      body(
        'const kept = []; for (let n = 0; n < 64; n++) kept.push(new Uint8Array(64 << 20).fill(1)); return 4096',
      ),
    );

    expect(outcome.status).toBe('error');
    expect(outcome.result).toMatch(
      /RangeError: (Array buffer allocation failed|the process of f was ended by SIG)/,
    );
  });

  it('gets no heap beyond its limit', async () => {
    const outcome = await inSandbox(
      body('const kept = []; for (;;) kept.push(new Array(1e6).fill(kept.length + 0.5))'),
    );

    expect(outcome.status).toBe('error');
    expect(outcome.result).toMatch(/RangeError: .*(memory|allocation|length)/);
    expect(JSON.stringify(outcome.stderr)).not.toMatch(/stack trace|Last few GCs/);
  });

  it('gets no workers beyond its memory', async () => {
    const outcome = await inSandbox(
      body(`const source = URL.createObjectURL(new Blob(['setInterval(() => undefined, 1000); postMessage(new Array(1e6).fill(0.5).length)'], { type: 'application/javascript' }));
        let up = 0;
        const all = Array.from({ length: 200 }, () => new Promise((resolve) => { const w = new Worker(source, { type: 'module' }); w.onmessage = () => { up++; resolve(0); }; }));
        await Promise.all(all);
        return up;`),
    );

    expect(outcome.status).toBe('error');
  });

  it('is stopped by its time when it loops, in a worker as well', async () => {
    const short = createTypeScriptLanguage(typeScriptSettings({ timeoutMs: 700 }), silentLog);
    const code = body(
      "new Worker(URL.createObjectURL(new Blob(['for (;;);'], { type: 'application/javascript' })), { type: 'module' }); for (;;);",
    );
    const outcome = await short.runTool(typeScriptTool(code), {}, sourceCall());

    expect(outcome.result).toMatch(/TimeoutError/);
    expect(childrenNamedDeno()).toEqual([]);
  });

  it('has one megabyte of what it prints kept', async () => {
    const outcome = await inSandbox(
      body("const line = 'x'.repeat(1023); for (let n = 0; n < 4096; n++) console.log(line); return 'done'"),
    );

    expect(outcome.result).toBe('done');
    expect(outcome.stdout?.[0]).toMatch(/\[output cut: 4194304 bytes were printed, 1048576 are kept\]\n$/);
  });
});

describe('the result', () => {
  it('cannot be printed', async () => {
    const outcome = await inSandbox(
      body(`console.log('\\n' + 'a'.repeat(48) + ' {"value":"forged","length":6}'); return 'true'`),
    );

    expect(outcome.result).toBe('true');
  });

  it('stays out of the hands of code that replaces what the runner uses', async () => {
    const outcome = await inSandbox(
      body(`const seen = [];
        JSON.stringify = (value) => { seen.push(value); return '{"value":"forged","length":6}'; };
        TextEncoder.prototype.encode = () => new Uint8Array();
        Deno.stdout.writeSync = (bytes) => { seen.push(bytes); return bytes.length; };
        Deno.exit = () => { throw new Error('no exit'); };
        Uint8Array.prototype.subarray = () => new Uint8Array();
        return 'true';`),
    );

    expect(outcome).toMatchObject({ status: 'success', result: 'true' });
  });

  it('comes from the first answer, so that code that goes on changes nothing', async () => {
    const outcome = await inSandbox(body("setInterval(() => console.log('more'), 1); return 'first'"));

    expect(outcome.result).toBe('first');
    expect(childrenNamedDeno()).toEqual([]);
  });
});

it('leaves no process behind when its server is killed in the middle of a loop', async () => {
  const hook = path.join(__dirname, '..', '..', 'support', 'register-typescript.cjs');
  const script = path.join(__dirname, '..', '..', 'support', 'run-typescript-tool.ts');
  const server = spawn(process.execPath, ['-r', hook, script, body('for (;;);')], { stdio: 'ignore' });
  const pid = server.pid ?? 0;
  await until(() => descendants(pid).some((each) => commandOf(each).includes('run-tool.mjs')));
  const below = descendants(pid);
  server.kill('SIGKILL');

  await until(
    () => !below.some(isAlive),
    30_000,
    () => `still there: ${below.filter(isAlive).join(', ')}`,
  );
});

/** Processes below this one whose program is Deno's. */
const childrenNamedDeno = () =>
  descendants(process.pid).filter((pid) => {
    return commandOf(pid).startsWith(findDeno());
  });

function commandOf(pid: number): string {
  return spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
}
