import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo } from 'node:net';

/** A way to a TCP server that can be shut: open connections are cut and further ones refused until it is opened. */
export interface Door {
  /** The server's URL with the door's address. */
  readonly url: string;
  shut(): Promise<void>;
  open(): Promise<void>;
}

/** Puts a door, open at first, in front of the server of a URL. */
export async function startDoor(target: string): Promise<Door> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<net.Socket>();
  const server = net.createServer((inner) => {
    const outer = net.connect(Number(port), hostname);
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo; // it listens on TCP
  return {
    url: Object.assign(new URL(target), { hostname: '127.0.0.1', port: String(address.port) }).href,
    async shut() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    async open() {
      server.listen(address.port, '127.0.0.1');
      await once(server, 'listening');
    },
  };
}
