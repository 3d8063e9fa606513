import { lookup } from 'node:dns/promises';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { toolError } from '../../domain/tool-failure';
import { isPublicAddress } from './public-address';

export interface PublicRequestOptions {
  /** Addresses that may be reached although they are not public. For tests against a server on loopback. */
  readonly allowAddress?: (address: string) => boolean;
  readonly resolveHost?: (host: string) => Promise<readonly string[]>;
  readonly maxBytes?: number;
  readonly maxRedirects?: number;
}

/** What a public web server answered, redirects followed, decompressed. */
export interface PublicResponse {
  readonly url: URL;
  readonly contentType: string;
  readonly body: Buffer;
}

const DEFAULT_MAX_BYTES = 5_000_000;
const DEFAULT_MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];
const HEADERS = {
  'user-agent': 'Mozilla/5.0 (compatible; Everturn; fetch_webpage)',
  accept:
    'text/html,application/xhtml+xml,text/plain,text/markdown,application/json,application/xml;q=0.9,*/*;q=0.1',
  'accept-encoding': 'gzip, br',
  'accept-language': 'en, *;q=0.5',
};

/**
 * GETs an http(s) address on the public internet. Every address a host name stands for is checked, and the connection
 * goes to the checked addresses only, so a name that changes its mind between check and connect gains nothing. The same
 * holds for each redirect. `isReadable` sees the content type before any body is read.
 */
export async function requestPublic(
  address: string,
  signal: AbortSignal,
  {
    isReadable,
    ...options
  }: PublicRequestOptions & { readonly isReadable: (contentType: string) => boolean },
): Promise<PublicResponse> {
  let url = parsePublicUrl(address);
  for (let hop = 0; hop <= (options.maxRedirects ?? DEFAULT_MAX_REDIRECTS); hop++) {
    const response = await open(url, signal, options);
    const target = redirectTarget(url, response);
    if (!target) return await receive(url, response, { signal, isReadable, maxBytes: options.maxBytes });
    response.destroy();
    url = target;
  }
  throw toolError(
    'ValueError',
    `${address} redirects too often. Try the address it should lead to directly.`,
  );
}

/** The address as a URL that may be requested. WHATWG parsing turns 0x7f.1 and 2130706433 into plain addresses. */
function parsePublicUrl(address: string, from?: URL): URL {
  if (!URL.canParse(address, from?.href)) {
    throw toolError(
      'ValueError',
      `"${address}" is not a web address. Give it in full, like https://example.com/page.`,
    );
  }
  const url = new URL(address, from?.href);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw toolError('ValueError', `Only http and https addresses can be fetched, not ${url.protocol}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw toolError(
      'ValueError',
      'Addresses with a user name or password are refused. Leave the credentials out.',
    );
  }
  url.hash = '';
  url.hostname = url.hostname.replace(/\.$/, '');
  return url;
}

async function open(url: URL, signal: AbortSignal, options: PublicRequestOptions): Promise<IncomingMessage> {
  const addresses = await checkedAddresses(url, signal, options);
  const { get } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    get(url, { agent: false, lookup: pinnedTo(addresses), signal, headers: HEADERS }, resolve).on(
      'error',
      reject,
    );
  });
}

async function checkedAddresses(
  url: URL,
  signal: AbortSignal,
  { allowAddress = () => false, resolveHost = resolveWithSystem }: PublicRequestOptions,
): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) ? [host] : await abortable(resolveHost(host), signal);
  if (addresses.length === 0 || !addresses.every((entry) => isPublicAddress(entry) || allowAddress(entry))) {
    throw toolError(
      'ValueError',
      `${url.host} is not a public address. Only pages on the public internet can be fetched.`,
    );
  }
  return addresses;
}

async function resolveWithSystem(host: string): Promise<readonly string[]> {
  const entries = await lookup(host, { all: true, verbatim: true });
  return entries.map((entry) => entry.address);
}

/** A DNS lookup that knows only the addresses that were checked. */
function pinnedTo(addresses: readonly string[]): LookupFunction {
  const entries = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    const [first] = entries;
    if (options.all) callback(null, entries);
    else callback(null, first?.address ?? '', first?.family);
  };
}

function redirectTarget(url: URL, response: IncomingMessage): URL | null {
  const { location } = response.headers;
  if (!REDIRECTS.includes(response.statusCode ?? 0) || location === undefined) return null;
  try {
    return parsePublicUrl(location, url);
  } catch (error) {
    response.destroy();
    throw error;
  }
}

interface ReceiveOptions {
  readonly signal: AbortSignal;
  readonly isReadable: (contentType: string) => boolean;
  readonly maxBytes: number | undefined;
}

async function receive(
  url: URL,
  response: IncomingMessage,
  options: ReceiveOptions,
): Promise<PublicResponse> {
  try {
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) {
      const reason = `${status} ${response.statusMessage ?? ''}`.trim();
      throw toolError('ConnectionError', `${url.href} answered with HTTP status ${reason}.`);
    }
    const contentType = response.headers['content-type'] ?? '';
    if (!options.isReadable(contentType)) {
      const shown = contentType.slice(0, 100);
      throw toolError(
        'ValueError',
        `${url.href} is of type "${shown}". Only web pages and text files can be read.`,
      );
    }
    return { url, contentType, body: await readBody(url, response, options) };
  } finally {
    response.destroy();
  }
}

async function readBody(
  url: URL,
  response: IncomingMessage,
  { signal, maxBytes = DEFAULT_MAX_BYTES }: ReceiveOptions,
): Promise<Buffer> {
  const tooLarge = () =>
    toolError('ValueError', `${url.href} is larger than the ${maxBytes} bytes that can be read.`);
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  async function* capped(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let size = 0;
    for await (const chunk of source) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge();
      yield chunk;
    }
  }
  const chunks: Buffer[] = [];
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) chunks.push(chunk);
  };
  const decoder = decoderFor(url, response);
  // Both sizes are capped: what travels, and what it unpacks to.
  if (decoder) await pipeline(response, capped, decoder, capped, collect, { signal });
  else await pipeline(response, capped, collect, { signal });
  return Buffer.concat(chunks);
}

function decoderFor(url: URL, response: IncomingMessage) {
  const encoding = (response.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  switch (encoding) {
    case '':
    case 'identity':
      return null;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'br':
      return createBrotliDecompress();
    case 'deflate':
      return createInflate();
    default:
      throw toolError(
        'ValueError',
        `${url.href} is encoded as "${encoding.slice(0, 50)}", which cannot be read.`,
      );
  }
}

/** `promise`, given up when the signal fires: name lookups cannot be cancelled themselves. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error); // always an Error: it comes from abort() or timeout()
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
