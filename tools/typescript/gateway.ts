import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { isIP, type AddressInfo, type LookupFunction } from 'node:net';
import { z } from 'zod';
import { isPublicAddress } from '../web/public-address';

/** Where one tool call's fetches go: a server of its own on loopback, the only address that its Deno may reach. */
export interface Gateway {
  readonly url: string;
  readonly port: number;
  readonly token: string;
  close(): Promise<void>;
}

type AddressCheck = (address: string) => boolean;

const MAX_REDIRECTS = 20;
const MAX_REQUEST_BYTES = 16 << 20;
const MAX_RESPONSE_BYTES = 32 << 20;
const REDIRECTS = [301, 302, 303, 307, 308];
// What belongs to one connection, and what the request is made with anew.
const OWN_HEADERS =
  /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|content-length|accept-encoding)$/i;

const Asked = z.object({
  url: z.url({ protocol: /^https?$/ }),
  method: z.string(),
  redirect: z.enum(['follow', 'error', 'manual']),
  headers: z.array(z.tuple([z.string(), z.string()])),
});
type Asked = z.infer<typeof Asked>;

/**
 * Opens the way to public web servers for one call. Every address a name stands for is checked when the connection is made,
 * for each redirect anew, so that a name that changes its mind gains nothing.
 */
export async function openGateway(allowAddress: AddressCheck = () => false): Promise<Gateway> {
  const token = randomBytes(24).toString('hex');
  const isAllowed: AddressCheck = (address) => isPublicAddress(address) || allowAddress(address);
  const server = http.createServer((request, response) => {
    if (request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401).end();
      return;
    }
    carryOut(request, response, isAllowed).catch((error: unknown) => fail(response, error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    token,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  tell(response, { error: error instanceof Error ? error.message : String(error) });
  response.end();
}

const tell = (response: ServerResponse, facts: object): void =>
  void response.writeHead(200, { 'x-everturn-response': encodeURIComponent(JSON.stringify(facts)) });

async function carryOut(
  request: IncomingMessage,
  response: ServerResponse,
  isAllowed: AddressCheck,
): Promise<void> {
  const sent = await receive(request);
  const end = sent.indexOf(10);
  const asked = Asked.parse(JSON.parse(sent.subarray(0, end).toString('utf8')));
  const stop = new AbortController();
  response.once('close', () => stop.abort());
  const { answer, url } = await follow(asked, sent.subarray(end + 1), { isAllowed, signal: stop.signal });
  tell(response, {
    status: answer.statusCode,
    statusText: answer.statusMessage,
    url,
    headers: pairs(answer.rawHeaders).filter(([name]) => !OWN_HEADERS.test(name)),
  });
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_RESPONSE_BYTES) throw new Error(`${url} sends more than ${MAX_RESPONSE_BYTES >> 20} MB`);
    if (!response.write(chunk)) await once(response, 'drain', { signal: stop.signal });
  }
  response.end();
}

async function receive(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_REQUEST_BYTES) throw new Error(`a request may hold ${MAX_REQUEST_BYTES >> 20} MB at most`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

interface Road {
  readonly isAllowed: AddressCheck;
  readonly signal: AbortSignal;
}

async function follow(
  asked: Asked,
  body: Buffer,
  road: Road,
): Promise<{ answer: IncomingMessage; url: string }> {
  let next = asked;
  let content = body;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await ask(next, content, road);
    const { location } = answer.headers;
    const isRedirect = REDIRECTS.includes(answer.statusCode ?? 0) && location !== undefined;
    if (!isRedirect || asked.redirect === 'manual') return { answer, url: next.url };
    answer.destroy();
    if (asked.redirect === 'error')
      throw new Error(`${next.url} redirects, which this request does not allow`);
    const becomesGet =
      answer.statusCode === 303 ||
      (answer.statusCode !== 307 && answer.statusCode !== 308 && next.method === 'POST');
    if (becomesGet) content = Buffer.alloc(0);
    next = redirected(next, new URL(location, next.url), becomesGet);
  }
  throw new Error(`${asked.url} redirects too often`);
}

/** Credentials stay with the server they were meant for. */
function redirected(asked: Asked, target: URL, becomesGet: boolean): Asked {
  const isElsewhere = target.origin !== new URL(asked.url).origin;
  const dropped = [
    ...(isElsewhere ? ['authorization', 'cookie'] : []),
    ...(becomesGet ? ['content-type'] : []),
  ];
  const headers = asked.headers.filter(([name]) => !dropped.includes(name.toLowerCase()));
  const method = becomesGet && asked.method !== 'HEAD' ? 'GET' : asked.method;
  return Asked.parse({ ...asked, url: target.href, method, headers });
}

function ask(
  { url, method, headers }: Asked,
  body: Buffer,
  { isAllowed, signal }: Road,
): Promise<IncomingMessage> {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !isAllowed(host)) throw refused(host);
  const sent = Object.fromEntries(headers.filter(([name]) => !OWN_HEADERS.test(name)));
  const options = {
    method,
    agent: false,
    lookup: lookupAllowed(isAllowed),
    signal,
    headers: {
      ...sent,
      'accept-encoding': 'identity',
      ...(body.length > 0 && { 'content-length': body.length }),
    },
  };
  return new Promise((resolve, reject) => {
    const request = (target.protocol === 'https:' ? https : http).request(target, options, resolve);
    request.on('error', reject);
    request.end(body);
  });
}

const refused = (host: string): Error =>
  new Error(`${host} is not a public address. Tools reach servers on the public internet only`);

/** Looks up names as the system does and drops what is not allowed. */
const lookupAllowed =
  (isAllowed: AddressCheck): LookupFunction =>
  (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      const allowed = error ? [] : found.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (!first) callback(error ?? refused(host), []);
      else if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };

const pairs = (raw: readonly string[]): readonly (readonly [string, string])[] =>
  raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ''] as const] : []));
