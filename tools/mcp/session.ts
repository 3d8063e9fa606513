import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { z } from 'zod';
import { McpFailure, toMcpFailure } from './failures';
import { createWindow, type FloodLimits } from './stream-meter';

const CLIENT = { name: 'everturn', version: '0.1.0' };
// A server that writes its log to where the protocol is spoken is bad and usual.
const MAX_UNREADABLE = 1_000;
// What came before the end of a stream may still be on its way through the SDK.
const AFTER_STREAM_MS = 100;

/** How a session reaches its server. */
export interface SessionTransport {
  readonly transport: Transport;
  /** Whether an error of the transport ends the session. */
  readonly endsOn: (error: Error) => boolean;
  /** Whether it is a child process of ours: one that does not start is not being restarted by anybody. */
  readonly isChild: boolean;
  /** Takes leave, then ends connections and child processes. */
  readonly close: () => Promise<void>;
  /** What the server last wrote to stderr. */
  readonly lastWords: () => string;
}

export interface RequestLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}
export interface SessionOptions {
  readonly connectMs: number;
  readonly flood: FloodLimits;
  readonly onClosed: () => void;
}

interface OpenRequest {
  readonly lose: (failure: McpFailure) => void;
  isResumable: boolean;
}

/**
 * One session with a server. Failures are `McpFailure`s; what the caller gave up throws the reason of its signal. Nothing
 * is sent twice here.
 */
export class McpSession {
  readonly #client = new Client(CLIENT, { capabilities: {} });
  readonly #way: SessionTransport;
  readonly #options: SessionOptions;
  readonly #requests = new Map<unknown, OpenRequest>();
  #isOpen = false;
  #closing: Promise<void> | undefined;
  #unreadable = 0;
  #heardAt = 0;
  #sentId: unknown;

  constructor(way: SessionTransport, options: SessionOptions) {
    this.#way = way;
    this.#options = options;
    this.#client.onclose = () => this.#end(new McpFailure('lost', 'the connection was lost'));
    this.#client.onerror = (error) => {
      this.#unreadable += 1;
      if (this.#unreadable > MAX_UNREADABLE)
        this.#end(new McpFailure('lost', 'it sent more than can be read'));
      else if (way.endsOn(error)) this.#end(new McpFailure('lost', toMcpFailure(error).message));
    };
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** How many requests have no answer yet. */
  get inFlight(): number {
    return this.#requests.size;
  }

  /**
   * Whether the server may have gone without a sign since it was last heard: a connection that is kept open can be dead for
   * long. A child process can't.
   */
  isStale(freshMs: number): boolean {
    return !this.#way.isChild && Date.now() - this.#heardAt >= freshMs;
  }

  /** Begins the session, or fails; nothing that fails here has had an effect. */
  async connect(signal?: AbortSignal): Promise<void> {
    const { connectMs } = this.#options;
    const tooLong = AbortSignal.timeout(connectMs);
    const stop = signal ? AbortSignal.any([signal, tooLong]) : tooLong;
    const { transport } = this.#way;
    try {
      const connected = this.#client.connect(transport, { timeout: connectMs, signal: stop });
      await unlessAborted(connected, stop);
      this.#isOpen = true;
      this.#heardAt = Date.now();
      this.#watch();
    } catch (error) {
      void transport.close().catch(() => undefined); // It never opened.
      signal?.throwIfAborted();
      if (tooLong.aborted)
        throw new McpFailure('not-sent', `it did not begin a session within ${connectMs / 1000} seconds`);
      throw failureOfConnect(error, this.#way);
    }
  }

  async request<T extends z.ZodObject>(
    method: string,
    params: Readonly<Record<string, unknown>>,
    answer: T,
    { timeoutMs, signal }: RequestLimits,
  ): Promise<z.output<T>> {
    if (!this.#isOpen) throw new McpFailure('session-gone', 'the session has ended');
    signal?.throwIfAborted();
    const timedOut = AbortSignal.timeout(timeoutMs);
    let lose: OpenRequest['lose'] = () => undefined;
    const lost = new Promise<never>((_resolve, reject) => (lose = reject));
    const entry: OpenRequest = { lose, isResumable: false };
    const answered = this.#client.request({ method, params }, answer, {
      signal: signal ? AbortSignal.any([signal, timedOut]) : timedOut,
      timeout: timeoutMs + 5_000,
      onresumptiontoken: () => (entry.isResumable = true),
    });
    const id = this.#sentId;
    this.#requests.set(id, entry);
    answered.catch(() => undefined); // Both may fail; the first counts.
    lost.catch(() => undefined);
    try {
      return await Promise.race([answered, lost]);
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (timedOut.aborted)
        throw new McpFailure('timeout', `it gave no answer within ${timeoutMs / 1000} seconds`);
      throw toMcpFailure(error);
    } finally {
      this.#requests.delete(id);
    }
  }

  /** To be told that the stream which was to answer a request is over. */
  streamEnded(requestId: unknown): void {
    const ended = this.#requests.get(requestId);
    // The SDK picks up a stream whose events have ids.
    if (!ended || ended.isResumable) return;
    setTimeout(() => ended.lose(new McpFailure('lost', 'it closed the connection')), AFTER_STREAM_MS).unref();
  }

  /** Ends the session and, with it, a child process. Open requests are lost. */
  async close(): Promise<void> {
    this.#end(new McpFailure('lost', 'the session was ended'));
    await this.#closing;
  }

  #end(failure: McpFailure): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const request of this.#requests.values()) request.lose(failure);
    this.#options.onClosed();
    this.#closing = this.#way.close().catch(() => undefined); // It is given up either way.
  }

  /** Notes which id each request gets, and counts what comes in. */
  #watch(): void {
    const { transport } = this.#way;
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
      if ('id' in message && 'method' in message) this.#sentId = message.id;
      return send(message, options);
    };
    const receive = transport.onmessage?.bind(transport);
    const count = createWindow(this.#options.flood.windowMessages, this.#options.flood.windowMs);
    transport.onmessage = (message, extra) => {
      if (!this.#isOpen) return;
      try {
        count(1);
        this.#heardAt = Date.now();
        receive?.(message, extra);
      } catch (error) {
        this.#end(toMcpFailure(error));
      }
    };
  }
}

function failureOfConnect(error: unknown, { isChild, lastWords }: SessionTransport): McpFailure {
  const failure = toMcpFailure(error);
  if (failure.kind === 'unauthorized' || failure.kind === 'rejected') return failure;
  const words = lastWords() === '' ? '' : ` (${lastWords()})`;
  return new McpFailure(isChild ? 'rejected' : 'not-sent', `${failure.message}${words}`, { cause: failure });
}

/** `work`, given up when the signal fires. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error); // always an Error: it comes from abort() or timeout()
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
  work.catch(() => undefined); // It may fail after it was given up.
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
