import { setTimeout as sleep } from 'node:timers/promises';

/** What a client has of one run when its stream is over. */
export interface Streamed {
  readonly runId: string;
  /** The frames as they came, reconnections joined. */
  readonly frames: readonly string[];
  readonly reconnects: number;
}
export interface StreamHooks {
  onRun(runId: string): void;
  /** After each frame; a promise holds the reading up. */
  onFrame(count: number, runId: string): Promise<void>;
  readonly isOver: () => boolean;
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
    if (hooks.isOver()) throw new Error(`the stream of ${runId ?? key} did not end`);
    reconnects += 1;
    // What has no number comes again with what follows the last number.
    while (frames.length > 0 && numberOf(frames.at(-1)) === null) frames.pop();
    try {
      const response = await fetch(
        ...requestFor(url, { agentId, key, body, runId, after: numberOf(frames.at(-1)) }),
      );
      if (!response.ok || !response.body) {
        const text = await response.text();
        if (response.status < 500 && ![404, 409, 429].includes(response.status)) {
          throw new Refused(`${response.status} ${text}`);
        }
        await sleep(PAUSE_MS);
        continue;
      }
      for await (const frame of framesOf(response.body)) {
        const isPing = frame.includes('"message_type":"ping"') || frame.includes('"message_type": "ping"');
        if (isPing && frames.length > 0) continue;
        frames.push(frame);
        const named = /"run_id": ?"(run-[^"]+)"/.exec(frame)?.[1];
        if (runId === null && named !== undefined) hooks.onRun((runId = named));
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

/** A whole stream again, from its first frame. */
export async function replayRun(url: string, runId: string): Promise<readonly string[]> {
  const response = await fetch(...requestFor(url, { agentId: '', key: '', body: {}, runId, after: 0 }));
  if (!response.body) return [];
  const frames: string[] = [];
  for await (const frame of framesOf(response.body)) frames.push(frame);
  return frames;
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

function requestFor(url: string, { agentId, key, body, runId, after }: Wanted): [string, RequestInit] {
  const headers = { 'content-type': 'application/json', ...(key !== '' && { 'idempotency-key': key }) };
  const asked =
    runId === null
      ? { ...body, streaming: true, stream_tokens: true, background: true, include_pings: true }
      : { starting_after: after ?? 0, include_pings: true };
  const target = runId === null ? `/v1/agents/${agentId}/messages` : `/v1/runs/${runId}/stream`;
  return [url + target, { method: 'POST', headers, body: JSON.stringify(asked) }];
}

const numberOf = (frame: string | undefined): number | null => {
  const found = frame === undefined ? null : /"seq_id": ?(\d+)/.exec(frame);
  return found ? Number(found[1]) : null;
};

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
