import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Boundary, Hit } from './boundaries';

/** One effect on the world outside. */
export interface Effect {
  readonly tool: string;
  readonly label: string;
  readonly key: string;
}
/** A process that waits at a boundary; `goOn` lets it. */
export interface Waiting {
  readonly hit: Hit;
  readonly lane: number;
  goOn(): void;
}
interface Armed {
  readonly lane: number | null;
  readonly boundary: Boundary;
  readonly resolve: (waiting: Waiting) => void;
}

/** Where servers report: boundaries, at which they may have to wait, and effects, which are counted. It is never killed. */
export interface Coordinator {
  readonly url: string;
  readonly effects: readonly Effect[];
  /** Resolves with the first process (of the lane) that comes to the boundary; null after the deadline. */
  nextAt(boundary: Boundary, lane: number | null, timeoutMs: number): Promise<Waiting | null>;
  /** A boundary that a process of the kit itself has come to. */
  reach(hit: Hit, lane: number): Promise<void>;
  close(): Promise<void>;
}

export async function startCoordinator(): Promise<Coordinator> {
  const effects: Effect[] = [];
  const armed = new Set<Armed>();

  function reach(hit: Hit, lane: number): Promise<void> {
    const match = [...armed].find(
      ({ lane: only, boundary }) =>
        (only === null || only === lane) &&
        boundary.name === hit.boundary &&
        (boundary.effects === null || boundary.effects === hit.effects),
    );
    if (!match) return Promise.resolve();
    armed.delete(match);
    return new Promise((resolve) => match.resolve({ hit, lane, goOn: () => resolve() }));
  }

  const server = http.createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      if (req.url === '/effect') {
        effects.push(JSON.parse(body) as Effect); // what prove/tools.ts sends
        res.end('counted');
        return;
      }
      const { lane, ...hit } = JSON.parse(body) as Hit & { lane: number }; // what prove/server.ts sends
      void reach(hit, lane).then(() => res.end('go on'));
    });
  });
  server.keepAliveTimeout = 120_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    effects,
    reach,
    nextAt(boundary, lane, timeoutMs) {
      return new Promise((resolve) => {
        const entry: Armed = {
          lane,
          boundary,
          resolve: (waiting) => {
            clearTimeout(timer);
            resolve(waiting);
          },
        };
        const timer = setTimeout(() => {
          if (armed.delete(entry)) resolve(null);
        }, timeoutMs);
        armed.add(entry);
      });
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
