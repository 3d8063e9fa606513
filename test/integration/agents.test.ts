import { deleteTool, ensureBuiltinTools, findToolsByName, updateTool, upsertUserTool } from '../../db/tools';
import { inTransaction } from '../../db/pool';
import { BUILTIN_TOOLS, type CrudApi, startCrudApi } from '../support/crud-api';

let api: CrudApi;
beforeAll(async () => {
  api = await startCrudApi();
});
afterAll(() => api.stop());

const model = 'openai/gpt-4.1';
const create = async (fields: object = {}) =>
  (await api.call('POST', '/v1/agents/', { model, ...fields })).body;

async function threadOf(agentId: string) {
  const { rows } = await api.database.pool.query(
    `select c.system_message_id, c.memory_seen, m.id, m.role, m.parts, m.in_context
       from conversations c join messages m on m.conversation_id = c.id
      where c.id = $1 order by m.seq`,
    [agentId],
  );
  return rows;
}

it('opens the own thread with a system message that holds the blocks, and notes what the model has seen', async () => {
  const agent = await create({ memory_blocks: [{ label: 'human', value: 'Chad' }], system: 'Be kind.' });

  const [message, ...rest] = await threadOf(agent.id);

  expect(rest).toEqual([]);
  expect(agent.message_ids).toEqual([message.id]);
  expect(message).toMatchObject({ system_message_id: message.id, role: 'system', in_context: true });
  expect(message.parts[0].text).toMatch(/^Be kind\.\n\n<memory_blocks>[^]*<value>\nChad\n<\/value>/);
  expect(message.memory_seen).toEqual({ human: `${agent.blocks[0].id}@1` });
});

it('stores the initial messages behind the system message', async () => {
  const agent = await create({
    initial_message_sequence: [
      { role: 'user', content: 'hi', otid: 'o1' },
      { role: 'assistant', content: [{ type: 'text', text: 'hello' }] },
    ],
  });

  const messages = await threadOf(agent.id);

  expect(messages.map((message) => message.role)).toEqual(['system', 'user', 'assistant']);
  expect(messages[2].parts).toEqual([{ type: 'text', text: 'hello' }]);
  expect(agent.message_ids).toEqual(messages.map((message) => message.id));
});

it('rebuilds the system message in place when the instructions or the rules change, and only then', async () => {
  const agent = await create({ memory_blocks: [{ label: 'human', value: 'before' }] });
  const [before] = await threadOf(agent.id);
  await api.call('PATCH', `/v1/agents/${agent.id}/core-memory/blocks/human`, { value: 'after' });
  await api.call('PATCH', `/v1/agents/${agent.id}`, { description: 'd' });

  const [untouched] = await threadOf(agent.id);
  await api.call('PATCH', `/v1/agents/${agent.id}`, {
    system: 'Other.',
    tool_rules: [{ type: 'exit_loop', tool_name: 'memory_insert' }],
  });
  const [rebuilt, ...rest] = await threadOf(agent.id);

  expect(untouched).toEqual(before);
  expect(rest).toEqual([]);
  expect(rebuilt.id).toBe(before.id);
  expect(rebuilt.parts[0].text).toMatch(/^Other\.[^]*\nafter\n[^]*ends the turn/);
  expect(rebuilt.memory_seen).toEqual({ human: `${agent.blocks[0].id}@2` });
});

it('counts versions of a block by changes of its value', async () => {
  const { id, blocks } = await create({ memory_blocks: [{ label: 'human', value: 'v' }] });
  const path = `/v1/agents/${id}/core-memory/blocks/human`;
  const version = async () => {
    const { rows } = await api.database.pool.query('select version from blocks where id = $1', [
      blocks[0].id,
    ]);
    return rows[0].version as number;
  };

  await api.call('PATCH', path, { description: 'd', value: 'v' });
  expect(await version()).toBe(1);
  await api.call('PATCH', path, { value: 'w' });
  expect(await version()).toBe(2);
});

it('lets an update of a block wait for a memory edit that is under way, and then checks what it left', async () => {
  const { id, blocks } = await create({ memory_blocks: [{ label: 'human', value: 'v', limit: 5 }] });
  const blockId = blocks[0].id as string;
  let update: Promise<{ status: number }> | undefined;

  await inTransaction(api.database.pool, async (tx) => {
    await tx.query('select 1 from blocks where id = $1 for update', [blockId]);
    update = api.call('PATCH', `/v1/agents/${id}/core-memory/blocks/human`, { limit: 2 });
    await waitUntilBlocked();
    await tx.query("update blocks set value = 'long', version = version + 1 where id = $1", [blockId]);
  });

  expect((await update)?.status).toBe(422);
  const { body } = await api.call('GET', `/v1/blocks/${blockId}`);
  expect(body).toMatchObject({ value: 'long', limit: 5 });
});

async function waitUntilBlocked(): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const { rowCount } = await api.database.pool.query(
      "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if (rowCount) return;
  }
  throw new Error('no query waits for a lock');
}

it('keeps concurrent updates of different settings', async () => {
  const { id } = await create();

  await Promise.all([
    api.call('PATCH', `/v1/agents/${id}`, { model_settings: { temperature: 0.3 } }),
    api.call('PATCH', `/v1/agents/${id}`, { max_tokens: 9 }),
    api.call('PATCH', `/v1/agents/${id}`, { parallel_tool_calls: true }),
  ]);

  const { body } = await api.call('GET', `/v1/agents/${id}`);
  expect(body.llm_config).toMatchObject({ temperature: 0.3, max_tokens: 9, parallel_tool_calls: true });
});

it('replaces blocks and tools by id lists and stores nothing of an update that fails', async () => {
  const agent = await create({
    memory_blocks: [
      { label: 'a', value: '' },
      { label: 'b', value: '' },
    ],
  });
  const [a, b] = agent.blocks;
  const [webSearch] = await findToolsByName(api.database.pool, ['web_search']);
  const path = `/v1/agents/${agent.id}`;

  const changed = await api.call('PATCH', path, {
    block_ids: [b.id],
    tool_ids: [webSearch?.id],
    secrets: { K: 'v' },
  });
  const failed = await api.call('PATCH', path, {
    name: 'half done',
    tool_ids: [],
    block_ids: [a.id, 'block-00000000-0000-4000-8000-000000000000'],
  });
  const other = await api.call('PATCH', path, { message_ids: [] });

  expect(changed.body.blocks).toEqual([b]);
  expect(changed.body.tools.map((tool: { name: string }) => tool.name)).toEqual(['web_search']);
  expect(changed.body.secrets).toMatchObject([{ key: 'K', value: 'v' }]);
  expect(failed.status).toBe(404);
  expect(other.status).toBe(400);
  const { body: read } = await api.call('GET', path, undefined, { 'user-agent': 'curl' });
  expect(read).toEqual(changed.body);
});

it('pages through agents in both directions and sorts by the last run', async () => {
  const project_id = 'paging';
  const ids: string[] = [];
  for (let count = 0; count < 4; count++) ids.push((await create({ project_id })).id);
  await api.call('PATCH', `/v1/agents/${ids[1]}`, { last_run_completion: '2026-01-02T00:00:00Z' });
  await api.call('PATCH', `/v1/agents/${ids[3]}`, { last_run_completion: '2026-01-01T00:00:00Z' });
  const page = async (query: string) => {
    const { body } = await api.call('GET', `/v1/agents/?project_id=paging&${query}`);
    return body.map((agent: { id: string }) => ids.indexOf(agent.id));
  };

  expect(await page('limit=3')).toEqual([3, 2, 1]);
  expect(await page(`limit=3&after=${ids[1]}`)).toEqual([0]);
  expect(await page(`limit=2&before=${ids[0]}`)).toEqual([2, 1]);
  expect(await page('order=asc&limit=2')).toEqual([0, 1]);
  expect(await page('ascending=true&limit=2')).toEqual([0, 1]);
  expect((await page('order_by=last_run_completion')).slice(0, 2)).toEqual([1, 3]);
  expect((await page(`order_by=last_run_completion&after=${ids[1]}`))[0]).toBe(3);
  // One that was deleted counts for none.
  expect(await page('after=agent-00000000-0000-4000-8000-000000000000')).toEqual([3, 2, 1, 0]);
});

it('filters and counts agents', async () => {
  const { id } = await create({ name: 'Find 100% of me', tags: ['p', 'q'], template_id: 'T' });
  await api.call('PATCH', `/v1/agents/${id}`, { last_stop_reason: 'max_steps' });
  const count = async (query: string) => (await api.call('GET', `/v1/agents/count?${query}`)).body;

  for (const query of [
    'name=Find 100%25 of me',
    'query_text=find 100%25',
    'tags=p&tags=z',
    'template_id=T',
    'tags=p&tags=q&match_all_tags=true',
    'last_stop_reason=max_steps',
  ])
    // prettier-ignore
    expect([query, await count(query)]).toEqual([query, 1]);
  for (const query of [
    'name=find',
    'query_text=100_',
    'tags=p&tags=z&match_all_tags=true',
    'identifier_keys=k',
    'created_by_id=user-00000000-0000-4000-8000-000000000001',
  ])
    // prettier-ignore
    expect([query, await count(query)]).toEqual([query, 0]);
});

it('lists the tags of agents and blocks once each, in order and in pages', async () => {
  await create({ tags: ['tag-b', 'tag-a'] });
  await api.call('POST', '/v1/blocks/', { label: 'l', value: '', tags: ['tag-c', 'tag-a'] });
  const tags = async (query: string) => (await api.call('GET', `/v1/tags/?name=tag-&${query}`)).body;

  expect(await tags('')).toEqual(['tag-a', 'tag-b', 'tag-c']);
  expect(await tags('limit=2&after=tag-a')).toEqual(['tag-b', 'tag-c']);
  expect(await tags('limit=1&before=tag-c')).toEqual(['tag-b']);
  expect(await tags('order=desc&limit=2')).toEqual(['tag-c', 'tag-b']);
});

it('takes its runs, steps and messages along when an agent is deleted, but not shared blocks', async () => {
  const agent = await create({ memory_blocks: [{ label: 'human', value: 'h' }] });
  const runId = 'run-00000000-0000-4000-8000-000000000001';
  await api.database.pool.query(
    `insert into runs (id, agent_id, conversation_id, max_steps, request) values ($1, $2, $2, 1, '{}')`,
    [runId, agent.id],
  );

  await api.call('DELETE', `/v1/agents/${agent.id}`);

  const { rows } = await api.database.pool.query(
    `select (select count(*) from runs where id = $1) as runs,
            (select count(*) from messages where agent_id = $2) as messages,
            (select count(*) from conversations where agent_id = $2) as threads`,
    [runId, agent.id],
  );
  expect(rows).toEqual([{ runs: 0, messages: 0, threads: 0 }]);
  expect((await api.call('GET', `/v1/blocks/${agent.blocks[0].id}`)).status).toBe(200);
});

describe('the stored built-in tools', () => {
  const [first] = BUILTIN_TOOLS;
  const changed = BUILTIN_TOOLS.map((tool) => ({
    ...tool,
    description: 'changed',
    effects: 'read' as const,
  }));

  it('follow the catalogue when several processes start at once, and keep what users set', async () => {
    const db = api.database.pool;
    const [stored] = await findToolsByName(db, [first?.name ?? '']);
    await updateTool(db, stored?.id ?? '', { defaultRequiresApproval: true, returnCharLimit: 7 });

    await Promise.all(Array.from({ length: 8 }, () => ensureBuiltinTools(db, [...changed].reverse())));

    const [after] = await findToolsByName(db, [first?.name ?? '']);
    expect(after).toMatchObject({
      id: stored?.id,
      description: 'changed',
      effects: 'read',
      jsonSchema: { description: 'changed' },
      defaultRequiresApproval: true,
      returnCharLimit: 7,
    });
  });

  it('are stored once when processes that know them in another order start at once on an empty table', async () => {
    const db = api.database.pool;
    const unknown = BUILTIN_TOOLS.map((tool) => ({ ...tool, name: `unknown_${tool.name}` }));
    const starts = Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? unknown : [...unknown].reverse()));

    await Promise.all(starts.map((tools) => ensureBuiltinTools(db, tools)));

    const names = unknown.map(({ name }) => name);
    const stored = await findToolsByName(db, names);
    expect(stored.map(({ name }) => name).sort()).toEqual([...names].sort());
  });

  it("leave a user's tool of the same name alone", async () => {
    const db = api.database.pool;
    const [stored] = await findToolsByName(db, ['run_code']);
    if (!stored) throw new Error('run_code is not stored');
    await deleteTool(db, stored.id);
    const mine = await upsertUserTool(db, { ...stored, toolType: 'custom', description: 'mine' });

    await ensureBuiltinTools(db, BUILTIN_TOOLS);

    expect(await findToolsByName(db, ['run_code'])).toEqual([mine]);
  });
});
