import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of the answer to one request. Either way the request itself has reached the server. */
export type Fate = 'pass' | 'drop' | 'fail';

export interface DroppingProxy {
  readonly url: string;
  /** Requests that came, in order: `POST /v1/…`. */
  readonly requests: readonly string[];
  /** The fate of the next POSTs to messages; those after them pass. */
  meet(...fates: readonly Fate[]): void;
  close(): Promise<void>;
}

/**
 * A proxy that forwards every request and may lose the answer: it waits until the server has answered in full, then
 * cuts the client's connection (`drop`) or says 500 itself (`fail`).
 */
export async function startDroppingProxy(target: string): Promise<DroppingProxy> {
  const requests: string[] = [];
  const fates: Fate[] = [];

  const server = http.createServer((req, res) => {
    const isMessage = req.method === 'POST' && /messages(\/stream|\/async)?$/.test(req.url ?? '');
    const fate = (isMessage ? fates.shift() : undefined) ?? 'pass';
    requests.push(`${req.method} ${req.url}`);
    const onward = http.request(target + (req.url ?? ''), { method: req.method, headers: req.headers });
    res.on('close', () => onward.destroy());
    onward.on('error', () => res.destroy());
    onward.on('response', (answer) => {
      if (fate === 'pass') {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        res.flushHeaders();
        answer.pipe(res);
        return;
      }
      answer.resume().on('end', () => {
        if (fate === 'drop') res.destroy();
        else res.writeHead(500, { 'content-type': 'application/json' }).end('{"detail":"lost"}');
      });
    });
    req.pipe(onward);
  });

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    meet: (...next) => void fates.push(...next),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
