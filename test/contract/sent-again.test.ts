import { createRunWatcher } from '../../api/run-watcher';
import { AppError } from '../../domain/errors';
import { insertAgent, insertMessage, insertStep } from '../support/rows';
import { startTestApi, type Answer, type TestApi } from '../support/test-api';
import { turnsThat } from '../support/turns-double';

// Requests that are sent again, without turns: what is stored, what is started and what is answered.

const TIMES = { beginAfterMs: 150, everyMs: 20 };
const watcher = createRunWatcher();
let api: TestApi;
let agentId: string;
let failNextStart: AppError | null;
let started: string[];

beforeAll(async () => {
  const turns = turnsThat({
    start: ({ runId }) => {
      const failure = failNextStart;
      failNextStart = null;
      if (failure) return Promise.reject(failure);
      started.push(runId);
      return Promise.resolve();
    },
  });
  api = await startTestApi({ watcher, turns, keepalive: { first: TIMES, resent: TIMES } });
});
afterAll(() => api.close());
beforeEach(async () => {
  agentId = await insertAgent(api.db);
  failNextStart = null;
  started = [];
});

type Headers = Readonly<Record<string, string>>;
const AGAIN: Headers = { 'x-stainless-retry-count': '1' };
const send = (body: unknown, headers: Headers = {}, route = 'messages/async'): Promise<Answer> =>
  api.call('POST', `/v1/agents/${agentId}/${route}`, { body, headers });
const runId = (answer: Answer): string => (answer.body as { id: string }).id;
const named = (otid: string, content = 'hi') => ({ messages: [{ role: 'user', content, otid }] });

async function endRun(id: string, columns: { status: string; stop_reason: string; error?: unknown }) {
  await api.db.query(
    'update runs set status = $2, stop_reason = $3, error = $4, completed_at = now() where id = $1',
    [id, columns.status, columns.stop_reason, columns.error ? JSON.stringify(columns.error) : null],
  );
  watcher.notify(`${id} end`);
}

/** Waits until so many turns were started. */
async function untilStarted(count: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (started.length < count) {
    if (Date.now() > deadline) throw new Error(`${started.length} of ${count} turns started`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Waits until so many connections wait for a lock of this database. */
async function untilWaiting(count: number): Promise<void> {
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  const deadline = Date.now() + 30_000;
  while ((await api.db.query(waiting)).rowCount !== count) {
    if (Date.now() > deadline) throw new Error(`never did ${count} connections wait`);
  }
}

it('a run that nobody has started for a second is started by whoever sends its request again', async () => {
  const first = await send({ input: 'hi' });
  const early = await send({ input: 'hi' }, AGAIN);
  await api.db.query(`update runs set created_at = now() - interval '1.1 seconds' where id = $1`, [
    runId(first),
  ]);
  const late = await send({ input: 'hi' }, AGAIN);
  await api.db.query(`update runs set status = 'running' where id = $1`, [runId(first)]);
  const running = await send({ input: 'hi' }, AGAIN);

  expect([early, late, running].map(runId)).toEqual([runId(first), runId(first), runId(first)]);
  expect(started).toEqual([runId(first), runId(first)]);
});

it('a run that nobody has started for a second is started by whoever picks its stream up', async () => {
  const id = runId(await send({ input: 'hi' }));
  await api.db.query(`update runs set created_at = now() - interval '1.1 seconds' where id = $1`, [id]);

  const stream = api.call('POST', `/v1/runs/${id}/stream`, { body: {} });
  await untilStarted(2);
  await api.db.query(`insert into run_events (run_id, seq, event) values ($1, 2, $2)`, [
    id,
    { type: 'run-end', stopReason: 'end_turn' },
  ]);
  await endRun(id, { status: 'completed', stop_reason: 'end_turn' });

  expect((await stream).text).toContain('end_turn');
  expect(started).toEqual([id, id]);
});

describe('without a name', () => {
  it('a body that the SDK sends again joins its run; one sent on purpose twice is two turns', async () => {
    const first = await send({ input: 'hi', max_steps: 3 });
    const again = await send({ max_steps: 3, input: 'hi' }, AGAIN);
    const onPurpose = await send({ input: 'hi', max_steps: 3 }, { 'x-stainless-retry-count': '0' });

    expect(runId(again)).toBe(runId(first));
    expect(again.body).toEqual(first.body);
    expect(runId(onPurpose)).not.toBe(runId(first));
    expect(started).toEqual([runId(first), runId(onPurpose)]);
  });

  it('a retry whose first sending never arrived starts the turn, and the next retry joins it', async () => {
    const first = await send({ input: 'hi' }, AGAIN);
    const second = await send({ input: 'hi' }, { 'x-stainless-retry-count': '2' });

    expect(runId(second)).toBe(runId(first));
    expect(started).toEqual([runId(first)]);
  });

  it('retries that arrive at once, with their first sending, make one turn', async () => {
    const answers = await Promise.all([
      send({ input: 'at once' }, AGAIN),
      send({ input: 'at once' }, AGAIN),
      send({ input: 'at once' }, AGAIN),
    ]);

    expect(new Set(answers.map(runId)).size).toBe(1);
    expect(started).toHaveLength(1);
  });

  it('a retry waits for the statement that stores its first sending', async () => {
    const blocker = await api.db.connect();
    await blocker.query('begin');
    await blocker.query('select from conversations where id = $1 for update', [agentId]);
    const first = send({ input: 'slow' });
    await untilWaiting(1);
    const again = send({ input: 'slow' }, AGAIN);
    await untilWaiting(2);
    await blocker.query('commit');
    blocker.release();

    expect(runId(await again)).toBe(runId(await first));
    expect(started).toHaveLength(1);
  });

  it('another body, route or agent is another request, and so is the same one an hour later', async () => {
    const first = runId(await send({ input: 'hi' }));
    const others = [runId(await send({ input: 'ho' }, AGAIN))];
    await api.db.query(`update runs set created_at = now() - interval '61 minutes' where id = $1`, [first]);
    others.push(runId(await send({ input: 'hi' }, AGAIN)));

    expect(new Set([first, ...others]).size).toBe(3);
  });

  it('a run that was taken back because it could not start is sent anew', async () => {
    failNextStart = new AppError('UNAVAILABLE', 'away');

    const refused = await send({ input: 'hi' });
    const again = await send({ input: 'hi' }, AGAIN);

    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('x-should-retry')).toBeNull();
    expect(again.status).toBe(200);
    expect(started).toEqual([runId(again)]);
  });
});

describe('with otids', () => {
  it('the same otids join their run without any header, also when two arrive at once', async () => {
    const [one, two] = await Promise.all([send(named('o-1')), send(named('o-1'))]);
    const three = await send(named('o-1'));

    expect(new Set([one, two, three].map(runId)).size).toBe(1);
    expect(started).toHaveLength(1);
    expect(runId(await send(named('o-2')))).not.toBe(runId(one));
  });

  it('an agent takes the same otids in another body for another request, as the original does', async () => {
    const first = await send(named('o-1'));
    const second = await send({ ...named('o-1'), max_steps: 3 });

    expect(second.status).toBe(200);
    expect(runId(second)).not.toBe(runId(first));
    expect(runId(await send(named('o-1')))).toBe(runId(first));
  });

  it('otids are known within their thread only', async () => {
    const first = await send(named('o-1'));
    const other = await insertAgent(api.db);
    const second = await api.call('POST', `/v1/agents/${other}/messages/async`, { body: named('o-1') });

    expect(runId(second)).not.toBe(runId(first));
  });

  it('a message joins its run while that waits for approval; any other is told of it', async () => {
    const first = runId(await send(named('o-1')));
    await endRun(first, { status: 'completed', stop_reason: 'requires_approval' });
    const step_id = await insertStep(api.db, first, agentId, { outcome: JSON.stringify({ pending: [] }) });
    const call = { type: 'tool_call', id: 'call-1', name: 'buy', arguments: '{}' } as const;
    await insertMessage(api.db, agentId, {
      role: 'approval_request',
      parts: [call],
      run_id: first,
      step_id,
      in_context: false,
    });

    const again = await send(named('o-1'), {}, 'messages');
    const other = await send(named('o-2'), {}, 'messages');

    expect(again.body).toMatchObject({ stop_reason: { stop_reason: 'requires_approval' } });
    expect(other.status).toBe(409);
    expect(other.headers.get('x-should-retry')).toBe('false');
    expect(other.body).toMatchObject({ detail: { code: 'PENDING_APPROVAL' } });
  });

  it('an answer to an approval joins its run although nothing waits any more', async () => {
    const approval = (otid: string) => ({
      messages: [
        { type: 'approval', otid, approvals: [{ type: 'approval', tool_call_id: 'call-1', approve: true }] },
      ],
    });
    const asked = runId(await send(named('o-1')));
    await endRun(asked, { status: 'completed', stop_reason: 'requires_approval' });
    const step_id = await insertStep(api.db, asked, agentId, { outcome: JSON.stringify({ pending: [] }) });
    const parts = [{ type: 'tool_call', id: 'call-1', name: 'buy', arguments: '{}' }] as const;
    const request = { role: 'approval_request', parts, run_id: asked, step_id, in_context: false } as const;
    await insertMessage(api.db, agentId, request);

    const first = await send(approval('o-2'));
    await api.db.query(`update steps set outcome = '{"calls":[]}' where id = $1`, [step_id]);
    const again = await send(approval('o-2'));

    expect(first.status).toBe(200);
    expect(runId(again)).toBe(runId(first));
    expect((await send(approval('o-3'))).status).not.toBe(409);
    expect(started).toHaveLength(2);
  });
});

describe('with an Idempotency-Key', () => {
  const KEY = { 'idempotency-key': 'k-1' };

  it('the key joins its run, and another body under it is refused for good', async () => {
    const first = await send({ input: 'hi' }, KEY);
    const again = await send({ input: 'hi' }, KEY);
    const other = await send({ input: 'ho' }, KEY);

    expect(runId(again)).toBe(runId(first));
    expect(other.status).toBe(422);
    expect(JSON.stringify(other.body)).toContain('Idempotency-Key was used for another request');
    expect(started).toHaveLength(1);
  });

  it('the key is free again when its run is deleted', async () => {
    const first = runId(await send({ input: 'hi' }, KEY));
    await endRun(first, { status: 'completed', stop_reason: 'end_turn' });
    await api.call('DELETE', `/v1/runs/${first}`);

    expect(runId(await send({ input: 'ho' }, KEY))).not.toBe(first);
  });
});

describe('a blocking answer', () => {
  const FAILURE = {
    code: 'MODEL_RATE_LIMIT',
    errorType: 'llm_rate_limit',
    message: 'An error.',
    detail: 'slow down',
  };
  const block = () => send({ input: 'hi' }, {}, 'messages');

  it('keeps its status when the run fails soon', async () => {
    const answer = block();
    await untilStarted(1);
    await endRun(started[0] ?? '', { status: 'failed', stop_reason: 'llm_api_error', error: FAILURE });

    const { status, headers, body } = await answer;
    expect(status).toBe(429);
    expect(headers.get('x-should-retry')).toBe('false');
    expect(headers.get('retry-after')).toBe('30');
    expect(body).toMatchObject({ error: { type: 'llm_rate_limit', detail: 'slow down' } });
  });

  it('that has begun tells the failure inside the body, beside the messages so far', async () => {
    const response = await fetch(`${api.url}/v1/agents/${agentId}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: 'hi' }),
    });
    const id = started[0] ?? '';
    const step_id = await insertStep(api.db, id, agentId);
    const parts = [{ type: 'text', text: 'so far' }] as const;
    await insertMessage(api.db, agentId, { role: 'assistant', parts, run_id: id, step_id });
    await endRun(id, { status: 'failed', stop_reason: 'llm_api_error', error: FAILURE });

    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).toMatch(/^ +\{/);
    expect(JSON.parse(text)).toMatchObject({
      messages: [{ message_type: 'assistant_message', content: 'so far' }],
      stop_reason: { message_type: 'stop_reason', stop_reason: 'llm_api_error' },
      usage: { message_type: 'usage_statistics', step_count: 0 },
      error: { message_type: 'error_message', run_id: id, error_type: 'llm_rate_limit', detail: 'slow down' },
    });
  });

  it('that waits for a run which is taken back asks to be sent again', async () => {
    const answer = block();
    await untilStarted(1);
    await api.db.query('delete from runs where id = $1', [started[0]]);
    watcher.wakeAll();

    const { status, headers } = await answer;
    expect([status, headers.get('retry-after'), headers.get('x-should-retry')]).toEqual([503, '1', null]);
  });

  it('is not kept for a client that has gone, and the run stays', async () => {
    const client = new AbortController();
    const answer = fetch(`${api.url}/v1/agents/${agentId}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: 'hi' }),
      signal: client.signal,
    }).catch(() => 'gone');
    await untilStarted(1);
    client.abort();

    await expect(answer).resolves.toBe('gone');
    expect((await api.call('GET', `/v1/runs/${started[0]}`)).body).toMatchObject({ status: 'created' });
  });
});
