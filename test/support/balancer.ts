import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo } from 'node:net';

/** What stands before several API processes: each connection goes to the next one that takes it. */
export interface Balancer {
  readonly url: string;
  /** The API processes that get connections from here on. */
  use(urls: readonly string[]): void;
  close(): Promise<void>;
}

/** A TCP balancer that tries the next backend when one refuses, as those in front of real deployments do. */
export async function startBalancer(): Promise<Balancer> {
  let backends: readonly number[] = [];
  let turn = 0;
  const open = new Set<net.Socket>();

  function connect(client: net.Socket, triesLeft: number): void {
    const port = backends[turn++ % Math.max(1, backends.length)];
    if (port === undefined || triesLeft === 0) {
      client.destroy();
      return;
    }
    const backend = net.connect(port, '127.0.0.1');
    const refused = () => connect(client, triesLeft - 1);
    backend.once('error', refused);
    backend.once('connect', () => {
      backend.off('error', refused);
      for (const [from, to] of [
        [client, backend],
        [backend, client],
      ] as const) {
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
  }

  const server = net.createServer((client) => {
    open.add(client);
    client.on('error', () => undefined);
    client.on('close', () => open.delete(client));
    connect(client, 2 * backends.length);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    use: (urls) => void (backends = urls.map((url) => Number(new URL(url).port))),
    async close() {
      for (const client of open) client.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
