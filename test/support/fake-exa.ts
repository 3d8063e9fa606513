import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ExaRequest {
  readonly path: string;
  readonly apiKey: string | undefined;
  readonly body: Record<string, unknown>;
}

/** A search service that speaks Exa's `POST /search`. It keeps what it was asked and answers what the test sets. */
export interface FakeExa {
  readonly baseUrl: string;
  readonly requests: readonly ExaRequest[];
  /** The answer to every following request. A null body never ends. */
  answer(status: number, body: unknown, headers?: http.OutgoingHttpHeaders): void;
  close(): Promise<void>;
}

/** Starts the fake on a free port of the loopback interface. It only accepts the key `exa-good`. */
export async function startFakeExa(): Promise<FakeExa> {
  const requests: ExaRequest[] = [];
  let reply = { status: 200, body: { results: [] } as unknown, headers: {} as http.OutgoingHttpHeaders };
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const apiKey = request.headers['x-api-key']?.toString();
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
      requests.push({ path: `${request.method ?? ''} ${request.url ?? ''}`, apiKey, body });
      if (apiKey !== 'exa-good')
        return response.writeHead(401).end(JSON.stringify({ error: 'Invalid API key' }));
      if (reply.body === null) return response.writeHead(200).write('{');
      const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
      return response
        .writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
        .end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (status, body, headers = {}) => void (reply = { status, body, headers }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
