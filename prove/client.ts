import { setTimeout as sleep } from 'node:timers/promises';

/** What a client has of one run when its stream is over. */
export interface Streamed {
  readonly runId: string;
  /** The frames as they came, reconnections joined. */
  readonly frames: readonly string[];
  readonly reconnects: number;
}
export interface StreamHooks {
  /** After each frame; a promise holds the reading up. */
  onFrame(count: number, runId: string): Promise<void>;
  /** Nobody waits for the stream any more. */
  readonly signal: AbortSignal;
}

const PAUSE_MS = 40;

interface Sending {
  readonly agentId: string;
  readonly key: string;
  readonly body: object;
}
/** What a client has of a stream while it goes on. */
interface Reading {
  readonly frames: string[];
  runId: string | null;
  reconnects: number;
}

/** A client of the server, as careful as one should be: it sends again under one key, and goes on where it was cut. */
export async function streamTurn(url: string, sending: Sending, hooks: StreamHooks): Promise<Streamed> {
  const reading: Reading = { frames: [], runId: null, reconnects: -1 };
  const { frames } = reading;
  while (!frames.at(-1)?.includes('[DONE]')) {
    if (hooks.signal.aborted) throw new Error(`the stream of ${reading.runId ?? sending.key} did not end`);
    // What has no number comes again with what follows the last number.
    while (frames.length > 0 && numberOf(frames.at(-1)) === null) frames.pop();
    try {
      await abortable(hooks.signal, (signal) => readOn(url, { sending, reading, hooks, signal }));
    } catch (error) {
      if (error instanceof Refused) throw error;
      await sleep(PAUSE_MS); // The server is away, or was cut off.
    }
  }
  const { runId, reconnects } = reading;
  if (runId === null) throw new Error('a stream named no run');
  return { runId, frames, reconnects };
}

/** Reads as far as one connection brings it. */
async function readOn(
  url: string,
  {
    sending,
    reading,
    hooks,
    signal,
  }: {
    readonly sending: Sending;
    readonly reading: Reading;
    readonly hooks: StreamHooks;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { frames, runId: known } = reading;
  const wanted = { ...sending, runId: known, after: numberOf(frames.at(-1)) };
  const response = await fetch(...requestFor(url, wanted, signal));
  if (!response.ok || !response.body) {
    const text = `${response.status} ${await response.text()}`;
    throw mayPass(response.status) ? new Error(text) : new Refused(text);
  }
  reading.reconnects += 1;
  for await (const frame of framesOf(response.body)) {
    if (isPing(frame) && frames.length > 0) continue;
    frames.push(frame);
    reading.runId ??= /"run_id": ?"(run-[^"]+)"/.exec(frame)?.[1] ?? null;
    if (reading.runId !== null) await hooks.onFrame(frames.length, reading.runId);
  }
}

// A server whose database is away, a run that is not stored yet, a conversation that is busy.
const mayPass = (status: number): boolean => status >= 500 || [404, 409, 429].includes(status);

/** A whole stream again from its first frame, in one piece: one that a kill cut off is read anew. */
export async function replayRun(url: string, runId: string, over: AbortSignal): Promise<readonly string[]> {
  const wanted = { agentId: '', key: '', body: {}, runId, after: 0 };
  while (!over.aborted) {
    const frames: string[] = [];
    try {
      await abortable(over, async (signal) => {
        const response = await fetch(...requestFor(url, wanted, signal));
        if (!response.ok || !response.body) return;
        for await (const frame of framesOf(response.body)) {
          if (!isPing(frame) || frames.length === 0) frames.push(frame);
        }
      });
      if (frames.at(-1)?.includes('[DONE]')) return frames;
    } catch {
      // The server was killed meanwhile.
    }
    await sleep(PAUSE_MS);
  }
  throw new Error(`the stream of ${runId} could not be read again`);
}

/** Work that ends with a signal which many share: a request would keep listening to it. */
async function abortable<T>(over: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const own = new AbortController();
  const abort = () => own.abort();
  over.addEventListener('abort', abort);
  if (over.aborted) abort();
  try {
    return await work(own.signal);
  } finally {
    over.removeEventListener('abort', abort);
  }
}

/** One JSON request, sent again while the server or its database is away. */
export async function callApi<T>(
  url: string,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body: object },
  over: AbortSignal,
): Promise<T> {
  while (!over.aborted) {
    try {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url + path, { method, headers, body: JSON.stringify(body) });
      const text = await response.text();
      if (response.ok) return JSON.parse(text) as T; // the caller knows the route
      const problem = `${method} ${path}: ${response.status} ${text}`;
      throw response.status < 500 ? new Refused(problem) : new Error(problem);
    } catch (error) {
      if (error instanceof Refused) throw error;
      await sleep(PAUSE_MS);
    }
  }
  throw new Error(`${method} ${path} was not answered`);
}

class Refused extends Error {}

interface Wanted {
  readonly agentId: string;
  readonly key: string;
  readonly body: object;
  readonly runId: string | null;
  readonly after: number | null;
}

function requestFor(
  url: string,
  { agentId, key, body, runId, after }: Wanted,
  signal: AbortSignal,
): [string, RequestInit] {
  // The server streams to clients of this version of the SDK on.
  const headers = {
    'content-type': 'application/json',
    'x-stainless-package-version': '1.12.1',
    ...(key !== '' && { 'idempotency-key': key }),
  };
  const asked =
    runId === null
      ? { ...body, streaming: true, stream_tokens: true, background: true, include_pings: true }
      : { starting_after: after ?? 0, include_pings: true };
  const target = runId === null ? `/v1/agents/${agentId}/messages` : `/v1/runs/${runId}/stream`;
  return [url + target, { method: 'POST', headers, body: JSON.stringify(asked), signal }];
}

const numberOf = (frame: string | undefined): number | null => {
  const found = frame === undefined ? null : /"seq_id": ?(\d+)/.exec(frame);
  return found ? Number(found[1]) : null;
};

const isPing = (frame: string): boolean => /"message_type": ?"ping"/.test(frame);

/** Whole frames; what a cut leaves of one is dropped. */
async function* framesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const parts = rest.split('\n\n');
    rest = parts.pop() ?? '';
    yield* parts.map((part) => `${part}\n\n`);
  }
}
