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

/** A client of the server, as careful as one should be: it sends again under one key, and goes on where it was cut. */
export async function streamTurn(
  url: string,
  { agentId, key, body }: { readonly agentId: string; readonly key: string; readonly body: object },
  hooks: StreamHooks,
): Promise<Streamed> {
  const frames: string[] = [];
  let runId: string | null = null;
  let reconnects = -1;
  while (!frames.at(-1)?.includes('[DONE]')) {
    if (hooks.signal.aborted) throw new Error(`the stream of ${runId ?? key} did not end`);
    // What has no number comes again with what follows the last number.
    while (frames.length > 0 && numberOf(frames.at(-1)) === null) frames.pop();
    try {
      const response = await fetch(
        ...requestFor(url, { agentId, key, body, runId, after: numberOf(frames.at(-1)) }, hooks.signal),
      );
      if (!response.ok || !response.body) {
        const text = await response.text();
        if (response.status < 500 && ![404, 409, 429].includes(response.status)) {
          throw new Refused(`${response.status} ${text}`);
        }
        await sleep(PAUSE_MS);
        continue;
      }
      reconnects += 1;
      for await (const frame of framesOf(response.body)) {
        if (isPing(frame) && frames.length > 0) continue;
        frames.push(frame);
        const named = /"run_id": ?"(run-[^"]+)"/.exec(frame)?.[1];
        runId ??= named ?? null;
        if (runId !== null) await hooks.onFrame(frames.length, runId);
      }
    } catch (error) {
      if (error instanceof Refused) throw error;
      await sleep(PAUSE_MS); // The server is away, or was cut off.
    }
  }
  if (runId === null) throw new Error('a stream named no run');
  return { runId, frames, reconnects };
}

/** A whole stream again from its first frame, in one piece: one that a kill cut off is read anew. */
export async function replayRun(url: string, runId: string, signal: AbortSignal): Promise<readonly string[]> {
  while (!signal.aborted) {
    try {
      const response = await fetch(
        ...requestFor(url, { agentId: '', key: '', body: {}, runId, after: 0 }, signal),
      );
      const frames: string[] = [];
      if (response.ok && response.body) {
        for await (const frame of framesOf(response.body)) {
          if (!isPing(frame) || frames.length === 0) frames.push(frame);
        }
      }
      if (frames.at(-1)?.includes('[DONE]')) return frames;
    } catch {
      // The server was killed meanwhile.
    }
    await sleep(PAUSE_MS);
  }
  throw new Error(`the stream of ${runId} could not be read again`);
}

/** One JSON request, sent again while the server is away. */
export async function callApi<T>(url: string, method: string, pathname: string, body?: unknown): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      const response = await fetch(url + pathname, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Refused(`${method} ${pathname}: ${response.status} ${text}`);
      return JSON.parse(text) as T; // the caller knows the route
    } catch (error) {
      if (error instanceof Refused || tries > 200) throw error;
      await sleep(PAUSE_MS);
    }
  }
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
