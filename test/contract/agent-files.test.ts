import Letta, { toFile } from '@letta-ai/letta-client';
import { sampleBody } from '../support/letta-samples';
import { insertMessage } from '../support/rows';
import { shapeOf } from '../support/shape';
import { startCrudApi, type CrudApi } from '../support/crud-api';

let api: CrudApi;
let client: Letta;

beforeAll(async () => {
  api = await startCrudApi();
  client = new Letta({ baseURL: api.baseUrl, apiKey: 'x', maxRetries: 0 });
});
afterAll(() => api.stop());

interface FileMessage {
  readonly id: string;
  readonly role: string;
  readonly content: readonly { readonly text?: string }[];
  readonly tool_calls: readonly { readonly id: string }[] | null;
  readonly tool_call_id: string | null;
}
interface AgentFile {
  readonly agents: readonly (Readonly<Record<string, unknown>> & {
    readonly name: string;
    readonly messages: readonly FileMessage[];
    readonly in_context_message_ids: readonly string[];
  })[];
  readonly blocks: readonly { readonly label: string; readonly value: string }[];
  readonly tools: readonly { readonly name: string }[];
}

// The SDK says string; the original and this server send JSON.
const exported = async (id: string, query: object = {}): Promise<AgentFile> =>
  (await client.agents.exportFile(id, query)) as unknown as AgentFile;
const imported = async (file: unknown, fields: object = {}): Promise<readonly string[]> =>
  (
    await client.agents.importFile({
      file: await toFile(Buffer.from(JSON.stringify(file)), 'agent.af'),
      ...fields,
    })
  ).agent_ids;
const count = async (table: string): Promise<number> =>
  (await api.database.pool.query<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]!.n;
const everything = async () =>
  Promise.all(['agents', 'blocks', 'tools', 'messages', 'conversations'].map(count));

/** An agent with all that a file holds: blocks, a tool of its own, rules, secrets, a thread with calls. */
async function fullAgent(): Promise<string> {
  await client.tools.upsert({
    source_code: 'def count_roses(bed: str) -> int:\n    """Counts."""\n    return 3',
    json_schema: {
      name: 'count_roses',
      description: 'Counts the roses of a bed.',
      parameters: { type: 'object', properties: { bed: { type: 'string' } }, required: ['bed'] },
    },
  });
  const { id } = await client.agents.create({
    name: 'gardener',
    model: 'openai/gpt-4.1',
    context_window_limit: 32_000,
    memory_blocks: [
      { label: 'human', value: 'Ada', description: 'who she is' },
      { label: 'garden', value: 'roses', read_only: true, tags: ['green'] },
    ],
    tools: ['count_roses'],
    tool_rules: [{ type: 'exit_loop', tool_name: 'count_roses' }],
    tags: ['outdoors'],
    secrets: { GARDEN_KEY: 'very secret' },
    metadata: { plot: 7 },
    timezone: 'Europe/Berlin',
    compaction_settings: { mode: 'all', clip_chars: 1_000 },
  });
  const say = (role: 'user' | 'assistant' | 'tool', parts: readonly object[], columns: object = {}) =>
    insertMessage(api.database.pool, id, { role, parts: parts as never, ...columns });
  await say('user', [{ type: 'text', text: 'How many roses?' }], { otid: 'otid-1' });
  await say('assistant', [
    { type: 'text', text: 'Let me see.' },
    { type: 'tool_call', id: 'call_1', name: 'count_roses', arguments: '{"bed":"north"}' },
  ]);
  await say('tool', [
    {
      type: 'tool_return',
      toolCallId: 'call_1',
      name: 'count_roses',
      status: 'success',
      result: '3',
      stdout: ['counting'],
      stderr: null,
    },
  ]);
  await say('assistant', [{ type: 'text', text: 'Three.' }]);
  return id;
}

it('writes an agent in the form of the original, with ids of the file alone and without secrets', async () => {
  const id = await fullAgent();

  const file = await exported(id);

  const original = sampleBody('agents.export.json') as AgentFile;
  const keys = (value: unknown): string[] => Object.keys(value as object).sort();
  expect(keys(file)).toEqual(keys(original));
  expect(keys(file.agents[0])).toEqual(keys(original.agents[0]));
  expect(keys(file.blocks[0])).toEqual(keys(original.blocks[0]));
  expect(keys(file.tools[0])).toEqual(keys(original.tools[0]));
  const [call, result] = [2, 3].map((at) => file.agents[0]!.messages[at]);
  const [theirCall, theirResult] = [2, 3].map((at) => original.agents[0]!.messages[at]);
  expect(keys(call)).toEqual(keys(theirCall));
  expect(shapeOf(call!.tool_calls)).toEqual(shapeOf(theirCall!.tool_calls));
  expect(keys(result)).toEqual(keys(theirResult));
  expect(file.agents[0]!.in_context_message_ids).toEqual([
    'message-0',
    'message-1',
    'message-2',
    'message-3',
    'message-4',
  ]);
  expect(file.agents[0]).toMatchObject({
    id: 'agent-0',
    block_ids: ['block-0', 'block-1'],
    secrets: { GARDEN_KEY: '' },
    tool_exec_environment_variables: { GARDEN_KEY: '' },
  });
  expect(JSON.stringify(file)).not.toContain('very secret');
  expect(JSON.stringify(file)).not.toMatch(/"(agent|block|tool|message)-[0-9a-f]{8}-/);
});

it('an agent that is written, read and written again is the same file', async () => {
  const first = await exported(await fullAgent());

  const [id] = await imported(first, { append_copy_suffix: false });
  const second = await exported(id!);

  // The system message names its agent and the time it was compiled.
  const comparable = ({ agents, ...rest }: AgentFile) => ({
    ...rest,
    created_at: null,
    agents: agents.map((agent) => ({
      ...agent,
      messages: agent.messages.map((message) => (message.role === 'system' ? message.role : message)),
    })),
  });
  expect(comparable(second)).toEqual(comparable(first));
});

it('reads a file of the original: the thread is whole and its calls have their results', async () => {
  const original = sampleBody('agents.export.json') as AgentFile;
  const model = { model: 'openai/gpt-4.1' };

  const [id] = await imported(original, model);

  const agent = await client.agents.retrieve(id!, { include: ['agent.blocks', 'agent.tools'] });
  expect(agent.name).toBe('AngrySpinach_copy');
  expect(agent.blocks.map(({ label, value }) => [label, value])).toEqual([
    ['human', 'h'],
    ['persona', 'p'],
  ]);
  expect(agent.tools.map(({ name }) => name).sort()).toEqual([
    'conversation_search',
    'memory_insert',
    'memory_replace',
  ]);
  expect(agent.message_ids).toHaveLength(original.agents[0]!.messages.length);
  const { body } = await api.call('GET', `/v1/agents/${id}/messages?order=asc&limit=50`);
  const [, user, call, result, reply] = body;
  expect(user).toMatchObject({ message_type: 'user_message', otid: 'd1a32e05-96ea-4d22-a61b-a032148271a5' });
  expect(call).toMatchObject({ tool_call: { name: 'memory_insert', tool_call_id: 'call_mock66_0' } });
  expect(result).toMatchObject({
    status: 'error',
    tool_return: 'Error This block is read-only and cannot be edited.',
    date: '2026-11-24T01:54:23+00:00',
  });
  expect(reply).toMatchObject({ content: 'Done. I saw 1 tool result(s).' });
});

it('the flags of an import count: name, secrets, messages, tools that exist', async () => {
  const file = await exported(await fullAgent());
  const changed = {
    ...file,
    tools: file.tools.map((tool) =>
      tool.name === 'count_roses' ? { ...tool, description: 'Counts twice.' } : tool,
    ),
  };
  const description = async () =>
    (await api.call('GET', '/v1/tools/?name=count_roses')).body[0].description as string;

  const [kept] = await imported(changed, {
    override_existing_tools: false,
    strip_messages: true,
    name: 'other',
    secrets: JSON.stringify({ GARDEN_KEY: 'new' }),
    env_vars_json: JSON.stringify({ MORE: 'too' }),
  });

  const agent = await client.agents.retrieve(kept!, { include: ['agent.secrets'] });
  expect(agent.name).toBe('other');
  expect(agent.message_ids).toHaveLength(1);
  expect(Object.fromEntries(agent.secrets!.map(({ key, value }) => [key, value]))).toEqual({
    GARDEN_KEY: 'new',
    MORE: 'too',
  });
  expect(await description()).toBe('Counts the roses of a bed.');
  await imported(changed, {});
  expect(await description()).toBe('Counts twice.');
});

it('JSON is read as well: the file itself, or the file beside its flags', async () => {
  const file = await exported(await fullAgent(), { scrub_messages: true });
  expect(file.agents[0]!.messages).toEqual([]);

  const bare = await api.call('POST', '/v1/agents/import', file);
  const beside = await api.call('POST', '/v1/agents/import', { file, override_name: 'by json' });

  expect(bare.status).toBe(200);
  expect(beside.status).toBe(200);
  expect((await client.agents.retrieve(beside.body.agent_ids[0])).name).toBe('by json');
});

it('a call that a file leaves open is closed, and a result without its call stays out of the context', async () => {
  const file = await exported(await fullAgent());
  const [agent] = file.agents;
  const without = (id: string) => ({
    ...file,
    agents: [{ ...agent!, messages: agent!.messages.filter((message) => message.id !== id) }],
  });

  const [open] = await imported(without('message-3'));
  const [lone] = await imported(without('message-2'));

  const rows = async (id: string) =>
    (
      await api.database.pool.query<{ role: string; in_context: boolean | null; result: string | null }>(
        `select role, in_context, parts -> 0 ->> 'result' as result from messages where conversation_id = $1 order by seq`,
        [id],
      )
    ).rows;
  expect(await rows(open!)).toEqual([
    { role: 'system', in_context: true, result: null },
    { role: 'user', in_context: true, result: null },
    { role: 'assistant', in_context: true, result: null },
    { role: 'tool', in_context: true, result: expect.stringContaining('had no result') as unknown },
    { role: 'assistant', in_context: true, result: null },
  ]);
  expect((await rows(lone!)).map(({ role, in_context: is }) => [role, is])).toEqual([
    ['system', true],
    ['user', true],
    ['tool', null],
    ['assistant', true],
  ]);
});

it('a summary stays the first thing that an agent reads, whenever it was written', async () => {
  const file = await exported(await fullAgent());
  const [agent] = file.agents;
  const [system, ...rest] = agent!.messages;
  const alert = JSON.stringify({ type: 'system_alert', message: 'They counted.', time: 'now' });
  const summary = { ...system!, id: 'message-9', role: 'summary', content: [{ type: 'text', text: alert }] };
  const order = ['message-0', 'message-9', 'message-4'];

  const [id] = await imported({
    ...file,
    agents: [{ ...agent!, messages: [system, ...rest, summary], in_context_message_ids: order }],
  });

  const again = (await exported(id!)).agents[0]!;
  const read = again.in_context_message_ids.map((each) =>
    again.messages.find((message) => message.id === each)!,
  );
  expect(read.map(({ role }) => role)).toEqual(['system', 'summary', 'assistant']);
  expect(again.messages).toHaveLength(6);
});

it.each([
  ['no JSON', 'not json', 400],
  ['no agents', { agents: [] }, 400],
  ['an agent without a name', { agents: [{ id: 'agent-0' }] }, 400],
  [
    'a block that is not there',
    { agents: [{ id: 'agent-0', name: 'a', model: 'openai/gpt-4.1', block_ids: ['block-7'] }] },
    400,
  ],
  ['a model that is not there', { agents: [{ id: 'agent-0', name: 'a', model: 'openai/nope' }] }, 404],
  ['no model', { agents: [{ id: 'agent-0', name: 'a' }] }, 400],
  ['a block without a value, in the older form', { name: 'a', core_memory: [{ label: 'human' }] }, 400],
  ['a NUL', { agents: [{ id: 'agent-0', name: 'a\u0000', model: 'openai/gpt-4.1' }] }, 400],
])('a file with %s is refused and leaves nothing behind', async (_what, file, status) => {
  const before = await everything();
  const form = new FormData();
  form.append('file', new Blob([typeof file === 'string' ? file : JSON.stringify(file)]), 'agent.af');

  const response = await fetch(`${api.baseUrl}/v1/agents/import`, { method: 'POST', body: form });

  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ detail: expect.any(String) as unknown });
  expect(await everything()).toEqual(before);
});

/** A file as servers before 0.8 wrote them: one agent, with what it has inside it and without ids. */
const OLDER = {
  name: 'florist',
  agent_type: 'memgpt_agent',
  system: 'You sell flowers.',
  description: null,
  version: '0.6.1',
  core_memory: [
    {
      label: 'human',
      value: 'Ada',
      limit: 5000,
      metadata_: { a: 1 },
      is_template: false,
      template_name: null,
    },
    { label: 'stock', value: 'tulips', limit: 900, metadata_: null, description: 'what there is' },
  ],
  llm_config: {
    model: 'gpt-4.1',
    model_endpoint_type: 'openai',
    model_endpoint: 'https://example.com/v1',
    handle: 'My OpenAI/gpt-4.1',
    context_window: 16_000,
  },
  embedding_config: { embedding_model: 'text-embedding-3-small', handle: 'openai/text-embedding-3-small' },
  message_buffer_autoclear: false,
  metadata_: { shop: 3 },
  multi_agent_group: null,
  tags: [{ tag: 'shop' }],
  tool_exec_environment_variables: [{ key: 'SHOP_KEY', value: '', description: null }],
  tool_rules: [{ tool_name: 'sell', type: 'exit_loop' }],
  tools: [
    {
      name: 'send_message',
      tool_type: 'letta_core',
      json_schema: { name: 'send_message' },
      source_code: null,
    },
    {
      name: 'sell',
      tool_type: 'custom',
      source_type: 'python',
      source_code: 'def sell(what: str):\n    return what',
      tags: [],
      return_char_limit: 100,
      json_schema: {
        name: 'sell',
        description: 'Sells.',
        parameters: {
          type: 'object',
          properties: { what: { type: 'string' }, request_heartbeat: { type: 'boolean' } },
          required: ['what', 'request_heartbeat'],
        },
        type: null,
        required: [],
      },
    },
  ],
  in_context_message_indices: [3, 1, 2],
  messages: [
    { role: 'user', content: [{ type: 'text', text: 'Out of view.' }] },
    { role: 'assistant', content: [], tool_calls: [{ id: 'c1', type: 'function', function: { name: 'sell', arguments: '{}' } }] }, // prettier-ignore
    { role: 'tool', name: 'sell', tool_call_id: 'c1', content: [{ type: 'text', text: '{"status":"OK","message":"sold"}' }], tool_returns: [{ status: 'success', stdout: null, stderr: null }] }, // prettier-ignore
    {
      role: 'system',
      content: [{ type: 'text', text: 'Old instructions.' }],
      created_at: '2025-04-01T03:47:12.720714',
    },
  ],
};

it('reads the older form of a file: one agent that holds its blocks, tools and messages', async () => {
  const [id] = await imported(OLDER);

  const agent = await client.agents.retrieve(id!, { include: ['agent.blocks', 'agent.tools', 'agent.tags', 'agent.secrets'] }); // prettier-ignore
  expect(agent).toMatchObject({
    name: 'florist_copy',
    agent_type: 'memgpt_agent',
    system: 'You sell flowers.',
    model: 'openai/gpt-4.1',
    llm_config: { context_window: 16_000, handle: 'openai/gpt-4.1' },
    metadata: { shop: 3 },
    tags: ['shop'],
    tool_rules: [{ tool_name: 'sell', type: 'exit_loop' }],
  });
  expect(agent.blocks.map(({ label, value, metadata }) => [label, value, metadata])).toEqual([
    ['human', 'Ada', { a: 1 }],
    ['stock', 'tulips', {}],
  ]);
  expect(agent.secrets!.map(({ key, value }) => [key, value])).toEqual([['SHOP_KEY', '']]);
  const file = await exported(id!);
  expect(file.agents[0]!.messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool']);
  expect(file.agents[0]!.in_context_message_ids).toEqual(['message-0', 'message-2', 'message-3']);
});

it('an argument that older servers added to every tool is not asked for', async () => {
  const [id] = await imported(OLDER);

  const { tools } = await client.agents.retrieve(id!, { include: ['agent.tools'] });
  const sell = tools.find(({ name }) => name === 'sell');
  expect(sell?.json_schema).toMatchObject({
    parameters: { properties: { what: { type: 'string' } }, required: ['what'] },
  });
  expect(JSON.stringify(sell)).not.toContain('request_heartbeat');
});

it('a file that was written as JSON twice, and one given a project, are read', async () => {
  const form = new FormData();
  form.append('file', new Blob([JSON.stringify(JSON.stringify(OLDER))]), 'agent.af');
  form.append('project_id', 'project-7');

  const response = await fetch(`${api.baseUrl}/v1/agents/import`, { method: 'POST', body: form });

  const { agent_ids: ids } = (await response.json()) as { agent_ids: string[] };
  expect(await client.agents.retrieve(ids[0]!)).toMatchObject({ project_id: 'project-7' });
});

it('a sleeper goes into the file with its agent, and comes out of it with its group', async () => {
  const { id } = await client.agents.create({
    name: 'dreamer',
    model: 'openai/gpt-4.1',
    enable_sleeptime: true,
    memory_blocks: [{ label: 'human', value: 'Ada' }],
  });
  const group = (await client.agents.retrieve(id, { include: ['agent.managed_group'] })).managed_group!;
  await api.call('PATCH', `/v1/groups/${group.id}`, { manager_config: { manager_type: 'sleeptime', sleeptime_agent_frequency: 3 } }); // prettier-ignore

  const file = await exported(id);
  const { body } = await api.call('POST', '/v1/agents/import', { file, name: 'copy' });

  expect(body).toEqual({ agent_ids: [expect.any(String), expect.any(String)] });
  const [copy, sleeper] = body.agent_ids as string[];
  const agent = await client.agents.retrieve(copy!, { include: ['agent.managed_group', 'agent.blocks'] });
  const sleeping = await client.agents.retrieve(sleeper!, { include: ['agent.blocks', 'agent.tools'] });
  expect(agent).toMatchObject({ name: 'copy', enable_sleeptime: true });
  expect(agent.managed_group).toMatchObject({ agent_ids: [sleeper], sleeptime_agent_frequency: 3 });
  expect(sleeping).toMatchObject({ name: 'copy-sleeptime', agent_type: 'sleeptime_agent' });
  expect(sleeping.blocks.map((block) => block.id)).toEqual(agent.blocks.map((block) => block.id));
  expect(sleeping.tools.map((tool) => tool.name)).toContain('memory_insert');
});

it('skills that a client sends are put into the file', async () => {
  const id = await fullAgent();
  const skills = [{ name: 'pruning', files: { 'SKILL.md': '# Pruning' } }];

  const { status, body } = await api.call('POST', `/v1/agents/${id}/export`, {
    skills,
    scrub_messages: true,
  });

  expect(status).toBe(200);
  expect(body).toMatchObject({ skills, agents: [{ name: 'gardener', messages: [] }] });
  expect((await api.call('POST', `/v1/agents/${id}/export`)).body.agents[0].messages).toHaveLength(5);
  expect((await api.call('POST', `/v1/agents/${id}/export`, { skills: [{}] })).status).toBe(422);
});

it('folders come along with their files, and under another name where theirs is taken', async () => {
  const folder = await client.folders.create({ name: 'shed', description: 'Tools', instructions: 'Look.' });
  const put = async (text: string) => client.folders.files.upload(folder.id, { file: await toFile(Buffer.from(text), 'list.md') }); // prettier-ignore
  const [, second] = [await put('spade'), await put('rake\nhoe\n')];
  const { id } = await client.agents.create({
    model: 'openai/gpt-4.1',
    folder_ids: [folder.id],
    name: 'digger',
  });
  await client.agents.files.open(second.id, { agent_id: id });

  const file = await exported(id);
  const [copy = ''] = await imported(file);

  expect(file).toMatchObject({
    sources: [{ id: 'source-0', name: 'shed', description: 'Tools', instructions: 'Look.' }],
    files: [
      { id: 'file-0', source_id: 'source-0', file_name: 'list.md', content: 'spade' },
      { id: 'file-1', file_name: 'list_(1).md', original_file_name: 'list.md', content: 'rake\nhoe\n' },
    ],
    agents: [{ source_ids: ['source-0'] }],
  });
  expect(file.agents[0]!['files_agents']).toEqual(
    expect.arrayContaining([
    expect.objectContaining({ agent_id: 'agent-0', file_id: 'file-1', is_open: true, visible_content: '1: rake\n2: hoe' }),
    expect.objectContaining({ file_id: 'file-0', source_id: 'source-0', file_name: 'shed/list.md', is_open: false }),
  ])); // prettier-ignore
  const [shed] = (await client.agents.folders.list(copy)).items;
  expect(shed).toMatchObject({ description: 'Tools', instructions: 'Look.' });
  expect(shed!.name).toMatch(/^shed_[0-9a-f]{8}$/);
  const files = (await client.folders.files.list(shed!.id, { include_content: true, order: 'asc' })).items;
  expect(files.map(({ file_name, original_file_name, content }) => [file_name, original_file_name, content])).toEqual([
    ['list.md', 'list.md', 'spade'],
    ['list_(1).md', 'list.md', 'rake\nhoe\n'],
  ]); // prettier-ignore
  expect((await client.agents.files.list(copy, { is_open: true })).files).toMatchObject([
    { file_id: files[1]!.id },
  ]);
  const { rows } = await api.database.pool.query(`select parts from messages where conversation_id = $1 and role = 'system'`, [copy]); // prettier-ignore
  expect(rows[0].parts[0].text).toContain(`- ${shed!.name}/list.md`);
});

it.each([
  ['a file whose folder is not there', { files: [{ id: 'file-0', source_id: 'source-9', content: 'x' }] }],
  ['a file without a name', { files: [{ id: 'file-0', source_id: 'source-0', file_name: '..', content: 'x' }] }],
  ['a file that is too large', { files: [{ id: 'file-0', source_id: 'source-0', file_name: 'a', content: 'x'.repeat(10 * 1024 * 1024 + 1) }] }],
  ['a folder with a name that agents could not read', { sources: [{ id: 'source-0', name: 'a/b' }] }],
])('%s is refused, and nothing is stored', async (_what, broken) => {
  const sources = [{ id: 'source-0', name: 'broken' }];
  const agents = [{ id: 'agent-0', name: 'a', model: 'openai/gpt-4.1', source_ids: ['source-0'] }];
  const before = [await everything(), await count('folders'), await count('files')];

  await expect(imported({ agents, sources, ...broken })).rejects.toMatchObject({ status: 400 });

  expect([await everything(), await count('folders'), await count('files')]).toEqual(before);
}); // prettier-ignore

it('what this server has no place for is left out, and the answer says so', async () => {
  const file = {
    agents: [
      { id: 'agent-0', name: 'a', model: 'openai/gpt-4.1', source_ids: ['source-9'], tool_ids: ['tool-0'] },
    ],
    sources: [{ id: 'source-0', name: 'papers' }],
    files: [{ id: 'file-0', source_id: 'source-0', file_name: 'scan.pdf', content: null }],
    groups: [{ id: 'group-0', agent_ids: ['agent-0'], manager_config: { manager_type: 'round_robin' } }],
    tools: [
      {
        id: 'tool-0',
        name: 'open_files',
        tool_type: 'letta_files_core',
        json_schema: { name: 'open_files' },
      },
    ],
  };

  const { status, body } = await api.call('POST', '/v1/agents/import', file);

  expect(status).toBe(200);
  expect(body).toEqual({
    agent_ids: [expect.stringMatching(/^agent-/)],
    left_out: [
      'folders that the file names and does not hold',
      'groups of agents',
      "the file 'scan.pdf', which has no text",
      "the tool 'open_files'",
    ],
  });
});

it('a block and a tool that come before the error are not stored either', async () => {
  const file = await exported(await fullAgent());
  const before = await everything();
  const broken = {
    ...file,
    agents: [...file.agents, { ...file.agents[0]!, id: 'agent-1', block_ids: ['block-9'] }],
  };

  await expect(imported(broken)).rejects.toMatchObject({ status: 400 });

  expect(await everything()).toEqual(before);
});

it('an upload without a file, with a wrong flag, or from a page of another site is refused', async () => {
  const upload = async (
    fields: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    return (await fetch(`${api.baseUrl}/v1/agents/import`, { method: 'POST', body: form, headers })).status;
  };

  expect(await upload({ strip_messages: 'true' })).toBe(422);
  expect(await upload({ strip_messages: 'maybe' })).toBe(422);
  expect(await upload({ secrets: '{' })).toBe(422);
  expect(await upload({}, { origin: 'https://elsewhere.example' })).toBe(401);
  expect((await api.call('POST', '/v1/agents/import', {})).status).toBe(422);
});

it("an agent that is not there, another agent's conversation and the legacy format are refused", async () => {
  const [one, other] = [await fullAgent(), await fullAgent()];
  const { id } = await client.conversations.create({ agent_id: other });
  const status = async (path: string) => (await api.call('GET', path)).status;

  expect(await status('/v1/agents/agent-00000000-0000-4000-8000-000000000000/export')).toBe(404);
  expect(await status(`/v1/agents/${one}/export?conversation_id=${id}`)).toBe(404);
  expect(await status(`/v1/agents/${other}/export?conversation_id=${id}`)).toBe(200);
  expect(await status(`/v1/agents/${one}/export?use_legacy_format=true`)).toBe(400);
});
