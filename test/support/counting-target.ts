import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** The world outside: records every effect with its key, and never dies. */
export interface CountingTarget {
  readonly url: string;
  /** The keys under which a label was acted on, in order. */
  readonly effects: (label: string) => readonly string[];
  /** Calls of this label are recorded, or not, and get no answer until released. */
  hold(label: string, options: { readonly isRecorded: boolean }): void;
  release(label: string): void;
  /** How many calls of a label came in, recorded or not. */
  readonly calls: (label: string) => number;
  close(): Promise<void>;
}

export async function startCountingTarget(): Promise<CountingTarget> {
  const acted: { readonly label: string; readonly key: string }[] = [];
  const calls: string[] = [];
  const held = new Map<string, { readonly isRecorded: boolean; readonly waiting: http.ServerResponse[] }>();
  const server = http.createServer((req, res) => {
    const key = String(req.headers['idempotency-key']);
    if (req.url === '/probe') {
      const done = acted.find((effect) => effect.key === key);
      res.end(
        JSON.stringify(done ? { outcome: 'done', result: `probed ${done.label}` } : { outcome: 'not_done' }),
      );
      return;
    }
    const label = req.url?.split('/')[2] ?? '';
    calls.push(label);
    const hold = held.get(label);
    if (hold?.isRecorded !== false) acted.push({ label, key });
    if (hold) hold.waiting.push(res);
    else res.end(`counted ${label}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    effects: (label) => acted.filter((effect) => effect.label === label).map(({ key }) => key),
    calls: (label) => calls.filter((each) => each === label).length,
    hold: (label, options) => void held.set(label, { ...options, waiting: [] }),
    release(label) {
      for (const res of held.get(label)?.waiting ?? []) res.end(`counted ${label}`);
      held.delete(label);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
