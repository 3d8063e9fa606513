import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeExchange {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly raw: Buffer;
  readonly res: http.ServerResponse;
}
export interface FakeServer {
  /** `http://127.0.0.1:PORT`, no slash at the end. */
  readonly origin: string;
  close(): Promise<void>;
}

/** A plain HTTP server on a free loopback port. Closing it also cuts the connections that are still open. */
export async function startFakeServer(
  answer: (exchange: FakeExchange) => void | Promise<void>,
  port = 0,
): Promise<FakeServer> {
  const server = http.createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { method = '', url: path = '', headers } = req;
      const run = async () => answer({ method, path, headers, raw: Buffer.concat(chunks), res });
      run().catch((error: unknown) => {
        if (!res.headersSent)
          sendJson(res, 500, { error: { message: String(error), type: 'fake_script_failed' } });
        else res.destroy();
      });
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo; // A TCP server that listens has one.
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

export function sendJson(
  res: http.ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(text);
}

/** Sends frames as an event stream: in one write when nothing asks for delays or a cut. */
export async function sendFrames(
  res: http.ServerResponse,
  frames: readonly string[],
  pace: { readonly frameDelayMs?: number; readonly cutAfter?: number; readonly endAfter?: number },
): Promise<void> {
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  const { frameDelayMs = 0, cutAfter, endAfter } = pace;
  if (frameDelayMs === 0 && cutAfter === undefined && endAfter === undefined) {
    res.end(frames.join(''));
    return;
  }
  res.flushHeaders();
  for (const [at, frame] of frames.slice(0, cutAfter ?? endAfter).entries()) {
    if (at > 0 && frameDelayMs > 0) await waitMs(frameDelayMs);
    if (res.destroyed) return;
    await new Promise<void>((resolve) => {
      res.write(frame, () => {
        resolve();
      });
    });
  }
  if (cutAfter === undefined) res.end();
  else res.destroy();
}

/** Waits without keeping a closed server's process alive. */
export const waitMs = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
