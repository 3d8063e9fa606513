import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WebServer {
  readonly port: number;
  /** Hosts of the requests that arrived, with their paths. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** A web server on a free port of the loopback interface that answers with `listener`. */
export async function startWebServer(listener: RequestListener): Promise<WebServer> {
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    requests.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
