import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo } from 'node:net';

/** A way to a TCP server that can be shut: open connections are cut and further ones refused until it is opened. */
export interface Door {
  /** The server's URL with the door's address. */
  readonly url: string;
  shut(): Promise<void>;
  open(): Promise<void>;
  /** Connections stay open and further ones are taken, but nothing passes until `release`; then all of it does. */
  hold(): void;
  release(): void;
}

/** Puts a door, open at first, in front of the server of a URL. */
export async function startDoor(target: string): Promise<Door> {
  const { hostname, port } = new URL(target);
  const sockets = new Map<net.Socket, net.Socket>();
  let isHeld = false;
  const server = net.createServer((inner) => {
    const outer = net.connect(Number(port), hostname);
    for (const [socket, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.set(socket, other);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      if (!isHeld) socket.pipe(other);
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
      for (const socket of sockets.keys()) socket.destroy();
      await closed;
    },
    async open() {
      server.listen(address.port, '127.0.0.1');
      await once(server, 'listening');
    },
    hold() {
      isHeld = true;
      for (const [socket, other] of sockets) socket.unpipe(other).pause();
    },
    release() {
      isHeld = false;
      for (const [socket, other] of sockets) socket.pipe(other);
    },
  };
}
