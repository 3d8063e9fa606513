import type { RequestListener } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { createFetchWebpage, type FetchPageOptions } from '../../../tools/builtin/fetch-webpage/handler';
import { createPageReader } from '../../../tools/web/page-reader';
import { buildCallContext } from '../../support/build-tool';
import { compileThreads } from '../../support/compiled-threads';
import { startWebServer, type WebServer } from '../../support/web-server';

const threads = compileThreads();
afterAll(() => threads.close());

let server: WebServer | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function serve(listener: RequestListener): Promise<string> {
  server = await startWebServer(listener);
  return `http://127.0.0.1:${server.port}`;
}
const serveBody = (body: string | Buffer, type?: string, headers: Record<string, string> = {}) =>
  serve((_request, response) =>
    response.writeHead(200, { ...(type && { 'content-type': type }), ...headers }).end(body),
  );

const LOOPBACK: FetchPageOptions = {
  allowAddress: (address) => address === '127.0.0.1',
  readPage: createPageReader({ entry: threads.entry('read-page-thread') }),
};
const load = (url: string, options: FetchPageOptions = LOOPBACK, signal = new AbortController().signal) =>
  createFetchWebpage(options)({ url }, buildCallContext({ signal }));

describe('what it returns', () => {
  it('gives a page as Markdown with its title and address', async () => {
    const url = await serveBody(
      '<html><head><title> The  Tea </title></head><body><p>Hot &amp; green.</p></body></html>',
      'text/html',
    );

    expect(await load(`${url}/tea#part`)).toBe(`# The Tea\n\nSource: ${url}/tea\n\nHot & green.`);
  });

  it.each([
    'text/plain',
    'text/markdown; charset=utf-8',
    'application/json',
    'application/ld+json',
    'text/xml',
    'application/rss+xml',
  ])('gives %s as it is', async (type) => {
    const url = await serveBody(' {"a": "<b>ü</b>"}\n', type);

    expect(await load(url)).toBe(`Source: ${url}/\n\n{"a": "<b>ü</b>"}`);
  });

  it('says when a page has no text', async () => {
    expect(await load(await serveBody('', 'text/plain'))).toContain('(The page has no text.)');
  });

  it.each(['image/png', 'application/pdf', 'application/octet-stream', 'video/mp4'])(
    'refuses %s',
    async (type) => {
      await expect(load(await serveBody('x', type))).rejects.toThrow(
        `is of type "${type}". Only web pages and text files can be read.`,
      );
    },
  );

  it('judges content without a type by its bytes', async () => {
    expect(await load(await serveBody('<!doctype html><p>Hot</p>'))).toMatch(/\n\nHot$/);
    await server?.close();
    expect(await load(await serveBody('just text'))).toMatch(/\n\njust text$/);
    await server?.close();
    await expect(load(await serveBody(Buffer.from([0x89, 0x50, 0, 1])))).rejects.toThrow(/binary file/);
  });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ] as const)('unpacks %s', async (encoding, pack) => {
    const url = await serveBody(pack(Buffer.from('packed')), 'text/plain', { 'content-encoding': encoding });

    expect(await load(url)).toMatch(/packed$/);
  });

  it('refuses an encoding it does not know and one that is broken', async () => {
    await expect(load(await serveBody('x', 'text/plain', { 'content-encoding': 'zstd' }))).rejects.toThrow(
      /encoded as "zstd"/,
    );
    await server?.close();
    await expect(load(await serveBody('x', 'text/plain', { 'content-encoding': 'gzip' }))).rejects.toThrow(
      /could not be reached/,
    );
  });
});

describe('addresses it refuses', () => {
  const nowhere: FetchPageOptions = { ...LOOPBACK, allowAddress: () => false };

  it.each([
    'http://127.0.0.1/',
    'http://localhost/',
    'http://localhost./',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://0/',
    'http://127.0.0.1./',
    'http://169.254.169.254/latest/meta-data/',
    'http://１２７.０.０.１/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fd00:ec2::254]/',
    'http://10.0.0.1:8080/',
    'https://192.168.0.1/',
  ])('refuses %s', async (url) => {
    await expect(load(url, nowhere)).rejects.toThrow(/is not a public address/);
  });

  it.each([
    ['file:///etc/passwd', /Only http and https/],
    ['ftp://example.com/', /Only http and https/],
    ['data:text/plain,x', /Only http and https/],
    ['example.com/page', /is not a web address. Give it in full/],
    ['', /is not a web address/],
    ['http://', /is not a web address/],
    ['http://user:secret@example.com/', /credentials/],
    ['http://user@example.com/', /credentials/],
  ])('refuses %p and says why', async (url, expected) => {
    await expect(load(url, nowhere)).rejects.toThrow(expected);
  });

  it('refuses a name as soon as one of its addresses is private', async () => {
    const resolveHost = () => Promise.resolve(['8.8.8.8', '10.0.0.1']);

    await expect(load('http://mixed.example/', { ...nowhere, resolveHost })).rejects.toThrow(
      /not a public address/,
    );
  });

  it('refuses a name without addresses', async () => {
    await expect(
      load('http://none.example/', { ...nowhere, resolveHost: () => Promise.resolve([]) }),
    ).rejects.toThrow(/not a public address/);
  });

  it('says when a name does not exist', async () => {
    const resolveHost = () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' }));

    await expect(load('http://gone.example/', { ...LOOPBACK, resolveHost })).rejects.toThrow(
      /could not be reached \(the host name does not exist\)/,
    );
  });

  it('connects to the address it checked, whatever the name means a moment later', async () => {
    const url = new URL(await serveBody('pinned', 'text/plain'));
    let lookups = 0;
    const resolveHost = () => Promise.resolve([++lookups === 1 ? '127.0.0.1' : '10.0.0.1']);

    const text = await load(`http://rebinding.invalid:${url.port}/`, { ...LOOPBACK, resolveHost });

    expect(text).toMatch(/pinned$/);
    expect(lookups).toBe(1);
    expect(server?.requests).toEqual([`rebinding.invalid:${url.port}/`]);
  });

  it('drops the dot at the end of a name', async () => {
    const { port } = new URL(await serveBody('x', 'text/plain'));
    const asked: string[] = [];
    const resolveHost = (host: string) => (asked.push(host), Promise.resolve(['127.0.0.1']));

    await load(`http://dotted.invalid.:${port}/`, { ...LOOPBACK, resolveHost });

    expect(asked).toEqual(['dotted.invalid']);
  });
});

describe('redirects', () => {
  it('follows them, relative ones too, and names the last address', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/a') response.writeHead(301, { location: '/b?x=1' }).end();
      else if (request.url === '/b?x=1') response.writeHead(307, { location: 'c' }).end('moved');
      else response.writeHead(200, { 'content-type': 'text/plain' }).end('arrived');
    });

    expect(await load(`${url}/a`)).toBe(`Source: ${url}/c\n\narrived`);
  });

  it.each([
    ['http://169.254.169.254/latest/', /is not a public address/],
    ['http://[::1]:1/', /is not a public address/],
    ['file:///etc/passwd', /Only http and https/],
    ['//user:secret@127.0.0.1/', /credentials/],
    ['http://', /is not a web address/],
  ])('checks the target %s like a first address', async (location, expected) => {
    const url = await serve((_request, response) => response.writeHead(302, { location }).end());

    await expect(load(url)).rejects.toThrow(expected);
    expect(server?.requests).toHaveLength(1);
  });

  it('looks a redirected name up and checks it', async () => {
    const url = await serve((_request, response) =>
      response.writeHead(302, { location: 'http://inside.invalid/' }).end(),
    );
    const resolveHost = () => Promise.resolve(['10.1.2.3']);

    await expect(load(url, { ...LOOPBACK, resolveHost })).rejects.toThrow(
      'inside.invalid is not a public address',
    );
  });

  it('follows five and no sixth', async () => {
    const url = await serve((request, response) => {
      const left = Number(request.url?.slice(1));
      if (left > 0) response.writeHead(302, { location: `/${left - 1}` }).end();
      else response.writeHead(200, { 'content-type': 'text/plain' }).end('end');
    });

    expect(await load(`${url}/5`)).toMatch(/end$/);
    await expect(load(`${url}/6`)).rejects.toThrow(/redirects too often/);
  });

  it('treats a redirect without a target as a failure', async () => {
    const url = await serve((_request, response) => response.writeHead(302).end());

    await expect(load(url)).rejects.toThrow(/answered with HTTP status 302/);
  });
});

describe('limits', () => {
  it.each([404, 403, 500])('tells the model about status %i', async (status) => {
    const url = await serve((_request, response) => response.writeHead(status).end('x'));

    await expect(load(`${url}/x`)).rejects.toThrow(`${url}/x answered with HTTP status ${status}`);
  });

  it('refuses a body that announces too much, one that sends too much and one that unpacks to too much', async () => {
    const small = { ...LOOPBACK, maxBytes: 1000 };
    const bomb = gzipSync(Buffer.alloc(100_000));
    const stream: RequestListener = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const send = () => {
        if (response.writable) response.write('x'.repeat(300), () => setImmediate(send));
      };
      send();
    };
    expect(bomb.length).toBeLessThan(1000);

    for (const start of [
      () => serveBody('x'.repeat(1001), 'text/plain'),
      () => serve(stream),
      () => serveBody(bomb, 'text/plain', { 'content-encoding': 'gzip' }),
    ]) {
      await expect(load(await start(), small)).rejects.toThrow(/is larger than the 1000 bytes/);
      await server?.close();
    }
    expect(await load(await serveBody('x'.repeat(1000), 'text/plain'), small)).toMatch(/x{1000}$/);
  });

  it('gives up after its time: without an answer, in the middle of a body, and during the name lookup', async () => {
    const soon = { ...LOOPBACK, timeoutMs: 100 };
    const silent = await serve(() => undefined);
    await expect(load(silent, soon)).rejects.toThrow(/did not answer in time/);
    await server?.close();
    const stuck = await serve(
      (_request, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).write('x'),
    );
    await expect(load(stuck, soon)).rejects.toThrow(/did not answer in time/);
    const resolveHost = () => new Promise<never>(() => undefined);
    await expect(load('http://slow.invalid/', { ...soon, resolveHost })).rejects.toThrow(
      /did not answer in time/,
    );
  });

  it('stops at once when the call is cancelled', async () => {
    const abort = new AbortController();
    const url = await serve(() => abort.abort());

    await expect(load(url, LOOPBACK, abort.signal)).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('says when a server closes the connection or is not there', async () => {
    const url = await serve((request) => request.socket.destroy());
    await expect(load(url)).rejects.toThrow(/the server closed the connection/);
    await server?.close();
    await expect(load(url)).rejects.toThrow(/the server refuses connections/);
  });
});
