import { createTurnStore } from '../../db/turns';
import { newId } from '../../new-id';
import { addLine, teach as teachAll } from '../support/teach';
import { startTestApi, type TestApi } from '../support/test-api';
import { insertAgentWithMemory, insertWaitingRun, opened, replyTo } from '../support/turn-rows';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

type Json = Readonly<Record<string, unknown>>;
const get = async (path: string): Promise<Json[]> => (await api.call('GET', path)).body as Json[];
const valueOf = async (blockId: string): Promise<unknown> =>
  ((await api.call('GET', `/v1/blocks/${blockId}`)).body as Json)['value'];
const patch = (blockId: string, value: string) =>
  api.call('PATCH', `/v1/blocks/${blockId}`, { body: { value } });

/** A turn whose message makes the agent add these lines, a step each. */
const teach = (agentId: string, ...lines: readonly string[]) => teachAll(api, agentId, ...lines.map(addLine));

it('a history says who wrote each version, from which message, and what changed', async () => {
  const { id: agentId, blockId } = await insertAgentWithMemory(api.db);
  const { runId, messageId } = await teach(agentId, 'likes tea');
  await patch(blockId, 'start\nlikes coffee');

  const history = await get(`/v1/blocks/${blockId}/history`);

  expect(history).toEqual([
    {
      block_id: blockId,
      version: 3,
      label: 'human',
      value: 'start\nlikes coffee',
      diff: '@@ -1,2 +1,2 @@\n start\n-likes tea\n+likes coffee',
      author: expect.objectContaining({ kind: 'api', run_id: null, model: null }),
      created_at: expect.stringMatching(/^20.*Z$/),
    },
    {
      block_id: blockId,
      version: 2,
      label: 'human',
      value: 'start\nlikes tea',
      diff: '@@ -1,1 +1,2 @@\n start\n+likes tea',
      author: {
        kind: 'tool',
        agent_id: agentId,
        conversation_id: agentId,
        run_id: runId,
        step_id: expect.stringMatching(/^step-/),
        tool_call_id: 'call_0_0',
        tool_name: 'memory_insert',
        model: 'openai/gpt-4.1',
        source_message_id: messageId,
        reverted_to: null,
        reverted_message_id: null,
      },
      created_at: expect.stringMatching(/^20.*Z$/),
    },
    expect.objectContaining({ version: 1, value: 'start' }),
  ]);
});

it('a history is read in pages by version, and up to a moment', async () => {
  const { blockId } = await insertAgentWithMemory(api.db);
  for (const value of ['a', 'b', 'c']) await patch(blockId, value);
  const versions = async (query: string) =>
    (await get(`/v1/blocks/${blockId}/history?${query}`)).map(({ version }) => version);

  expect(await versions('limit=2')).toEqual([4, 3]);
  expect(await versions('limit=2&after=3')).toEqual([2, 1]);
  expect(await versions('order=asc&after=2')).toEqual([3, 4]);
  const [, second] = await get(`/v1/blocks/${blockId}/history?order=asc`);
  expect(await versions(`as_of=${String(second?.['created_at'])}`)).toEqual([1]);
  const at = new Date(Date.parse(String(second?.['created_at'])) + 1).toISOString();
  const { body } = await api.call('GET', `/v1/blocks/${blockId}?as_of=${at}`);
  expect(body).toMatchObject({ id: blockId, label: 'human', value: 'a' });
});

it('blame names the version behind each line', async () => {
  const { id: agentId, blockId } = await insertAgentWithMemory(api.db);
  await teach(agentId, 'likes tea', 'likes chess');
  await patch(blockId, 'START\nlikes tea\nlikes chess');

  const lines = await get(`/v1/blocks/${blockId}/blame`);

  expect(lines).toMatchObject([
    { line: 1, text: 'START', version: 4, author: { kind: 'api' } },
    { line: 2, text: 'likes tea', version: 2, author: { kind: 'tool' } },
    { line: 3, text: 'likes chess', version: 3, author: { kind: 'tool' } },
  ]);
});

it('a revert is a version of its own and reaches the model as an edit from elsewhere', async () => {
  const { id: agentId, blockId } = await insertAgentWithMemory(api.db);
  await teach(agentId, 'likes tea');

  const { status, body } = await api.call('POST', `/v1/blocks/${blockId}/revert`, { body: { version: 1 } });

  expect(status).toBe(200);
  expect(body).toMatchObject({ id: blockId, value: 'start' });
  expect((await get(`/v1/blocks/${blockId}/history?limit=1`))[0]).toMatchObject({
    version: 3,
    author: { kind: 'revert', reverted_to: 1 },
  });
  const step = await opened(createTurnStore(api.db), await insertWaitingRun(api.db, agentId));
  expect(replyTo(step).messages.map(({ role }) => role)).toEqual(['note', 'user', 'assistant']);
});

it('what a message taught is listed and taken back whole, and later lines of others stay', async () => {
  const { id: agentId, blockId } = await insertAgentWithMemory(api.db);
  const { messageId, resultIds } = await teach(agentId, 'likes tea', 'likes chess');
  await teach(agentId, 'likes bicycles');

  const writes = await get(`/v1/messages/${messageId}/writes`);
  const { status, body } = await api.call('POST', `/v1/messages/${messageId}/unlearn`);

  expect(writes.map(({ version }) => version)).toEqual([2, 3]);
  expect((await get(`/v1/messages/${resultIds[0]}/writes`)).map(({ version }) => version)).toEqual([3]);
  expect(status).toBe(200);
  expect(body).toMatchObject({ blocks: [{ id: blockId, value: 'start\nlikes bicycles' }], passages: [] });
  expect((await get(`/v1/blocks/${blockId}/history?limit=1`))[0]).toMatchObject({
    author: { kind: 'revert', reverted_message_id: messageId },
  });
});

it('what an agent taught another one that it wrote to descends from the message as well, and is taken back with it', async () => {
  const { id: agentId } = await insertAgentWithMemory(api.db);
  const { id: otherId, blockId } = await insertAgentWithMemory(api.db);
  const { runId, messageId, resultIds } = await teach(agentId, 'likes tea', 'likes chess');
  const { runId: otherRun } = await teach(otherId, 'they like tea');
  await api.db.query(
    `insert into agent_calls (run_id, agent_id, agent_name, caller_run_id, caller_conversation_id, step_id, call_index,
                              position, waits, depth)
     select $1, $2, 'other', run_id, $3, id, 0, 0, true, 1 from steps where run_id = $4 and index = 0`,
    [otherRun, otherId, agentId, runId],
  );
  const written = async (id: string) =>
    (await get(`/v1/messages/${id}/writes`)).map(({ value }) => String(value).split('\n').at(-1));

  expect(await written(messageId)).toEqual(['likes tea', 'likes chess', 'they like tea']);
  // The other agent was written to before this result.
  expect(await written(resultIds[0] ?? '')).toEqual(['likes chess']);
  const { status } = await api.call('POST', `/v1/messages/${messageId}/unlearn`);

  expect(status).toBe(200);
  expect(await valueOf(blockId)).toBe('start');
});

it('nothing is taken back where somebody changed the same lines since', async () => {
  const { id: agentId, blockId } = await insertAgentWithMemory(api.db);
  const { messageId } = await teach(agentId, 'likes tea', 'likes chess');
  await patch(blockId, 'start\nlikes green tea\nlikes chess');

  const { status, body } = await api.call('POST', `/v1/messages/${messageId}/unlearn`);

  expect(status).toBe(409);
  expect((body as Json)['detail']).toMatch(new RegExp(`version [23] of block '${blockId}'`));
  expect(await valueOf(blockId)).toBe('start\nlikes green tea\nlikes chess');
});

it('refuses what is not there or no version, and stores nothing', async () => {
  const { blockId } = await insertAgentWithMemory(api.db);
  const status = async (method: string, path: string, body?: unknown) =>
    (await api.call(method, path, { ...(body !== undefined && { body }) })).status;

  expect(await status('GET', `/v1/blocks/${newId('block')}/history`)).toBe(404);
  expect(await status('GET', `/v1/blocks/${blockId}/history?after=x`)).toBe(422);
  expect(await status('GET', `/v1/blocks/${blockId}?as_of=yesterday`)).toBe(422);
  expect(await status('GET', `/v1/blocks/${blockId}?as_of=2000-01-01T00:00:00Z`)).toBe(404);
  expect(await status('POST', `/v1/blocks/${blockId}/revert`, { version: 9 })).toBe(404);
  expect(await status('POST', `/v1/blocks/${blockId}/revert`, { version: 'one' })).toBe(422);
  expect(await status('POST', `/v1/blocks/${blockId}/revert`, {})).toBe(422);
  expect(await status('GET', `/v1/messages/${newId('message')}/writes`)).toBe(404);
  expect(await status('POST', `/v1/messages/${newId('message')}/unlearn`)).toBe(404);
  expect((await get(`/v1/blocks/${blockId}/history`)).length).toBe(1);
});

it('two tools and a client that edit one shared block at once lose nothing, and the history is complete', async () => {
  const { id: first, blockId } = await insertAgentWithMemory(api.db);
  const { id: second } = await insertAgentWithMemory(api.db, { blockId });
  const lines = (name: string) => Array.from({ length: 25 }, (_, n) => `${name} ${n}`);
  await patch(blockId, 'start\nclient 0');

  await Promise.all([
    teach(first, ...lines('first')),
    teach(second, ...lines('second')),
    (async () => {
      for (let n = 0; n < 25; n++) {
        // Changes its own line only, by the version it read: as a client with its eyes open would.
        for (;;) {
          const [latest] = await get(`/v1/blocks/${blockId}/history?limit=1`);
          const value = String(latest?.['value']).replace(/client \d+/, `client ${n + 1}`);
          const headers = { 'if-match': `"${String(latest?.['version'])}"` };
          const { status } = await api.call('PATCH', `/v1/blocks/${blockId}`, { body: { value }, headers });
          if (status === 200) break;
          expect(status).toBe(409);
        }
      }
    })(),
  ]);

  const value = String(await valueOf(blockId)).split('\n');
  expect([...value].sort()).toEqual(['start', 'client 25', ...lines('first'), ...lines('second')].sort());
  const history = await get(`/v1/blocks/${blockId}/history?order=asc&limit=1000`);
  expect(history.map(({ version }) => version)).toEqual(Array.from({ length: 77 }, (_, n) => n + 1));
});
