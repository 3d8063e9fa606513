import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { newId } from '../../new-id';
import type { FakeOpenAi } from '../support/fake-openai';
import { call, createAgent } from '../support/live-api';
import { insertRun } from '../support/rows';
import { startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';
import { until } from '../support/started';

let fake: FakeOpenAi;
let database: TestDatabase;
let server: LiveServer;
let url: string;

beforeAll(async () => {
  server = await startLiveServer();
  ({ database, fake, url } = server);
});
afterAll(() => server.stop());

const post = (path: string, body: unknown): Promise<Response> =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-stainless-package-version': '1.12.1' },
    body: JSON.stringify(body),
  });

const ends = [
  ['a reply', 'SAY Hello.', {}, 'end_turn', undefined],
  ['a model error', 'ERR 400', {}, 'llm_api_error', undefined],
  [
    'a limit of steps',
    'CALL conversation_search {"query":"x"}\nTHEN\nSAY Done.',
    { max_steps: 1 },
    'max_steps',
    undefined,
  ],
  ['a cancellation', 'DELAY 20000\nSAY Late.', {}, 'cancelled', 'cancel'],
  ['the end of its agent', 'DELAY 20000\nSAY Late.', {}, 'error', 'delete'],
] as const;

describe.each([true, false])('with stream_tokens %s a stream ends with [DONE] after', (streamTokens) => {
  it.each(ends)('%s', async (_name, ...end) => {
    const [content, fields, stopReason, act] = end;
    const agent = await createAgent(url, { tools: ['conversation_search'] });
    const before = fake.count;
    const messages = [{ role: 'user', content }];
    const body = { messages, streaming: true, stream_tokens: streamTokens, ...fields };
    const response = await post(`/v1/agents/${agent.id}/messages`, body);
    if (act) {
      await until(() => fake.count > before);
      if (act === 'cancel') await call(url, 'POST', `/v1/agents/${agent.id}/messages/cancel`, {});
      else await fetch(`${url}/v1/agents/${agent.id}`, { method: 'DELETE' });
    }

    const text = await response.text();

    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(text).toContain(`"stop_reason":"${stopReason}"`);
  });
});

const residentKb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

it('a reader that stops reading a stream of 20 MB holds neither memory nor a connection to Postgres', async () => {
  const agent = await createAgent(url);
  const runId = await insertRun(database.pool, agent.id, { event_seq: 20_002, stream_tokens: true });
  await database.pool.query(
    `insert into run_events (run_id, seq, event)
     select $1, n, jsonb_build_object('type', 'text-delta', 'messageId', $2::text, 'stepId', 's', 'index', 0, 'text', repeat('x', 1000))
       from generate_series(2, 20001) n`,
    [runId, newId('message')],
  );
  const { hostname, port } = new URL(url);
  const before = residentKb(server.worker.pid);
  const socket = net.connect(Number(port), hostname);
  await once(socket, 'connect');
  const body = '{"starting_after":0}';
  socket.write(`POST /v1/runs/${runId}/stream HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`); // prettier-ignore
  await once(socket, 'readable');
  socket.pause();

  let last = 0;
  let same = 0;
  // Written as far as the kernel takes it: the number of sent batches stands still.
  await until(async () => {
    const { rows } = await database.pool.query<{ reads: number }>(
      `select count(*)::int as reads from pg_stat_activity where datname = current_database() and state = 'active'
          and pid <> pg_backend_pid()`,
    );
    const now = residentKb(server.worker.pid);
    same = rows[0]!.reads === 0 && Math.abs(now - last) < 500 ? same + 1 : 0;
    last = now;
    return same >= 20;
  });

  expect(residentKb(server.worker.pid) - before).toBeLessThan(15_000);
  socket.destroy();
});
