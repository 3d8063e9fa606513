import pino from 'pino';
import { startCallbacks } from '../../api/callbacks';
import { getRun } from '../../db/runs';
import { insertAgent, insertMessage, insertRun } from '../support/rows';
import { createTestDatabase, type TestDatabase } from '../support/stack';
import { startWebServer } from '../support/web-server';

let database: TestDatabase;
let agentId: string;
const log = pino({ level: 'silent' });
beforeAll(async () => {
  database = await createTestDatabase();
  agentId = await insertAgent(database.pool);
});
afterAll(() => database.drop());

/** Waits until the run's callback is recorded. */
async function recorded(runId: string) {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const run = await getRun(database.pool, runId);
    if (run.callbackSentAt) return run;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no callback of ${runId} within 10 s`);
}

it('tells the callback address of an ended run what came of it, once', async () => {
  const bodies: string[] = [];
  const headers: string[] = [];
  const receiver = await startWebServer((request, response) => {
    let text = '';
    headers.push(...request.rawHeaders);
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      bodies.push(text);
      response.writeHead(202).end();
    });
  });
  const runId = await insertRun(database.pool, agentId, {
    callback_url: `http://127.0.0.1:${receiver.port}/hook`,
    completed_at: new Date(),
    metadata: JSON.stringify({ run_type: 'send_message_async' }),
  });
  await insertMessage(database.pool, agentId, {
    run_id: runId,
    role: 'user',
    parts: [{ type: 'text', text: 'do it' }],
  });
  await insertMessage(database.pool, agentId, {
    run_id: runId,
    role: 'assistant',
    parts: [{ type: 'text', text: 'done' }],
  });

  const stops = [startCallbacks({ db: database.pool, log }), startCallbacks({ db: database.pool, log })];
  const run = await recorded(runId).finally(() => stops.forEach((stop) => stop()));
  await receiver.close();

  expect(run).toMatchObject({ callbackStatusCode: 202, callbackError: null });
  expect(bodies).toHaveLength(1);
  expect(headers).toEqual(expect.arrayContaining(['Content-Type', 'application/json']));
  expect(JSON.parse(bodies[0]!)).toMatchObject({
    run_id: runId,
    status: 'completed',
    metadata: {
      run_type: 'send_message_async',
      result: {
        messages: [{ content: 'do it' }, { content: 'done' }],
        stop_reason: { stop_reason: 'end_turn' },
      },
    },
  });
});

it('records a receiver that is not there, and leaves the run as it ended', async () => {
  const receiver = await startWebServer(() => undefined);
  await receiver.close();
  const runId = await insertRun(database.pool, agentId, {
    callback_url: `http://127.0.0.1:${receiver.port}/hook`,
    completed_at: new Date(),
  });

  const stop = startCallbacks({ db: database.pool, log });
  const run = await recorded(runId).finally(stop);

  expect(run).toMatchObject({ status: 'completed', callbackStatusCode: null });
  expect(run.callbackError).toBeTruthy();
});
