import type http from 'node:http';
import { sendJson, waitMs } from './fake-server';

interface Background {
  /** Whose key began it: to others it is not there. */
  readonly owner: string | undefined;
  readonly frames: readonly string[];
  readonly frameDelayMs: number;
  readonly startedAt: number;
  isCancelled: boolean;
}

/** Responses that go on while nobody listens: their frames come by the clock, whoever is connected. */
export function createBackgroundResponses() {
  const responses = new Map<string, Background>();
  const calls: string[] = [];

  async function listen(response: Background, after: number, res: http.ServerResponse): Promise<void> {
    res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    res.flushHeaders();
    for (let at = after + 1; at < response.frames.length; at++) {
      const early = response.startedAt + at * response.frameDelayMs - Date.now();
      if (early > 0) await waitMs(early);
      if (res.destroyed || response.isCancelled) break;
      res.write(response.frames[at]);
    }
    res.end();
  }

  return {
    calls,
    forget: () => responses.clear(),
    async begin(
      id: string,
      frames: readonly string[],
      { frameDelayMs = 0 }: { readonly frameDelayMs?: number },
      res: http.ServerResponse,
    ): Promise<void> {
      const owner = res.req.headers.authorization;
      const response = { owner, frames, frameDelayMs, startedAt: Date.now(), isCancelled: false };
      responses.set(id, response);
      await listen(response, -1, res);
    },
    /** False if the request is about no background response. */
    async answer(method: string, path: string, res: http.ServerResponse): Promise<boolean> {
      const [, id, cancel] = /\/responses\/([^/?]+)(\/cancel)?/.exec(path) ?? [];
      if (id === undefined) return false;
      calls.push(`${cancel ? 'CANCEL' : method} ${id}`);
      const known = responses.get(id);
      const response = known?.owner === res.req.headers.authorization ? known : undefined;
      const query = new URL(path, 'http://localhost').searchParams;
      if (!response) sendJson(res, 404, { error: { message: `Response with id '${id}' not found.` } });
      else if (cancel && method === 'POST') {
        response.isCancelled = true;
        sendJson(res, 200, { id, object: 'response', status: 'cancelled', output: [] });
      } else if (query.get('stream') === 'true') {
        await listen(response, Number(query.get('starting_after') ?? -1), res);
      } else sendJson(res, 200, { id, object: 'response', status: statusOf(response), output: [] });
      return true;
    },
  };
}

function statusOf({ isCancelled, frames, frameDelayMs, startedAt }: Background): string {
  if (isCancelled) return 'cancelled';
  return Date.now() - startedAt >= (frames.length - 1) * frameDelayMs ? 'completed' : 'in_progress';
}
