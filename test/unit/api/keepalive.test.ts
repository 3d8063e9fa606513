import express from 'express';
import { once } from 'node:events';
import type http from 'node:http';
import type { AddressInfo } from 'node:net';
import { patientAnswer, type PatientAnswer } from '../../../api/keepalive';

const TIMES = { beginAfterMs: 40, everyMs: 15 };
const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

/** A server whose only route hands its answer over. */
async function serveOne(times = TIMES): Promise<{ url: string; answer: Promise<PatientAnswer> }> {
  let hand: (answer: PatientAnswer) => void;
  const answer = new Promise<PatientAnswer>((resolve) => (hand = resolve));
  const app = express();
  app.get('/', (_req, res) => hand(patientAnswer(res, times)));
  const server = app.listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { url: `http://127.0.0.1:${port}/`, answer };
}

it('an answer that comes soon is an ordinary one with its length', async () => {
  const { url, answer } = await serveOne({ beginAfterMs: 10_000, everyMs: 10_000 });

  const response = fetch(url);
  (await answer).end({ fine: true });

  expect((await response).headers.get('content-length')).toBe('13');
  await expect((await response).json()).resolves.toEqual({ fine: true });
});

it('a late answer sends status and spaces first, and is JSON as a whole', async () => {
  const { url, answer } = await serveOne();

  const response = await fetch(url);
  const held = await answer;
  const reader = response.body?.getReader();
  let text = '';
  while (text.length < 3) text += Buffer.from((await reader?.read())?.value ?? []).toString();
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(held.isBegun).toBe(true);
  expect(text).toMatch(/^ +$/);
  held.end({ fine: true });
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    text += Buffer.from(part.value).toString();
  }

  expect(JSON.parse(text)).toEqual({ fine: true });
});

it('a client that goes away is noticed, and an end that comes after that is harmless', async () => {
  const { url, answer } = await serveOne();
  const client = new AbortController();

  const response = fetch(url, { signal: client.signal }).catch(() => undefined);
  const held = await answer;
  const gone = once(held.gone, 'abort');
  client.abort();
  await gone;
  held.end({ fine: true });

  expect(held.gone.aborted).toBe(true);
  await response;
});

it('a reader that does not read is sent no more spaces than its buffer holds', () => {
  jest.useFakeTimers();
  const written: string[] = [];
  const res = {
    headersSent: false,
    writableNeedDrain: true,
    once: () => undefined,
    writeHead: () => undefined,
    flushHeaders: () => undefined,
    write: (text: string) => written.push(text),
  };

  patientAnswer(res as never, TIMES); // all that it uses of a response
  jest.advanceTimersByTime(1_000);
  expect(written).toEqual([]);
  res.writableNeedDrain = false;
  jest.advanceTimersByTime(TIMES.everyMs);

  expect(written).toEqual([' ']);
  jest.useRealTimers();
});
