import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js';
import { lookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, fetch, Response } from 'undici';
import { McpFailure } from './failures';
import { isServerAddress } from './server-address';
import { type FloodLimits, metered } from './stream-meter';

export interface GuardedFetchOptions {
  readonly allowsPrivate: boolean;
  readonly flood: FloodLimits;
  readonly resolveHost?: (host: string) => Promise<readonly LookupAddress[]>;
}

/** HTTP to servers on the network, and nowhere else. */
export interface GuardedHttp {
  /** A fetch for one session. `onStreamEnd` hears when the stream that answers a request ends, with the request's id. */
  fetchFor(onStreamEnd: (requestId: unknown) => void): FetchLike;
  close(): Promise<void>;
}

/**
 * Every address that a host name stands for is checked at each connect, and the connection goes to the checked ones, so
 * a name that changes its mind between check and connect gains nothing. Redirects are left to the caller, who comes
 * back here with the next address.
 */
export function createGuardedHttp({
  allowsPrivate,
  flood,
  resolveHost = resolve,
}: GuardedFetchOptions): GuardedHttp {
  const isAllowed = (address: string): boolean => isServerAddress(address, allowsPrivate);
  const checkedLookup: LookupFunction = (host, options, callback) => {
    resolveHost(host).then(
      (entries) => {
        const [first] = entries;
        if (!first || !entries.every(({ address }) => isAllowed(address))) {
          callback(new McpFailure('rejected', `${host} does not stand for a public address`), []);
        } else if (options.all) callback(null, [...entries]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, []), // what dns.lookup rejects with
    );
  };
  // A stream may be silent for as long as it likes; calls have limits of their own.
  const agent = new Agent({
    connect: { lookup: checkedLookup, timeout: 10_000 },
    bodyTimeout: 0,
    headersTimeout: 0,
  });

  return {
    fetchFor: (onStreamEnd) => async (input, init) => {
      const url = new URL(input);
      const host = url.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) && !isAllowed(host)) throw new McpFailure('rejected', `${host} is not a public address`);
      const request = { ...init, dispatcher: agent } as unknown as Parameters<typeof fetch>[1];
      const response = await fetch(url, request);
      if (!response.body) return forSdk(response);
      const requestId = init?.method === 'POST' && isStream(response) ? idOf(init.body) : undefined;
      const body = metered(response.body as ReadableStream<Uint8Array>, flood, () => {
        if (requestId !== undefined) onStreamEnd(requestId);
      });
      const { status, statusText, headers } = response;
      return forSdk(new Response(body as never, { status, statusText, headers }));
    },
    close: () => agent.destroy(),
  };
}

// Two declarations of one standard: the SDK's are those of Node's own fetch.
const forSdk = (response: unknown) => response as Awaited<ReturnType<FetchLike>>;

const resolve = (host: string): Promise<readonly LookupAddress[]> =>
  new Promise((done, fail) => {
    lookup(host, { all: true, verbatim: true }, (error, entries) => (error ? fail(error) : done(entries)));
  });

const isStream = (response: { readonly headers: { get(name: string): string | null } }): boolean =>
  response.headers.get('content-type')?.startsWith('text/event-stream') === true;

function idOf(body: unknown): unknown {
  if (typeof body !== 'string') return undefined;
  const message: unknown = JSON.parse(body); // the SDK wrote it
  return typeof message === 'object' && message !== null && 'id' in message ? message.id : undefined;
}
