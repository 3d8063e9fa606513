import Letta from '@letta-ai/letta-client';
import { Client } from 'pg';
import { createAgentFiles } from '../../db/folders/agent-files';
import { excerptsOf } from '../../db/folders/open-files';
import { createSearches } from '../../db/search/searches';
import { ensureBuiltinTools } from '../../db/tools';
import { createVectorCache } from '../../db/vectors/vector-cache';
import { builtinTools } from '../../tools/registry';
import { noEmbedder } from '../support/archives';
import { type CrudApi, startCrudApi } from '../support/crud-api';

type Json = Readonly<Record<string, any>>; // eslint-disable-line @typescript-eslint/no-explicit-any
let api: CrudApi;
let client: Letta;
beforeAll(async () => {
  api = await startCrudApi();
  await ensureBuiltinTools(api.database.pool, builtinTools);
  client = new Letta({ baseURL: api.baseUrl, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => api.stop());

const FILE_TOOLS = ['semantic_search_files', 'open_files', 'grep_files'];
let count = 0;
const createFolder = async (fields: Json = {}): Promise<Json> =>
  (await api.call('POST', '/v1/folders/', { name: `folder ${count++}`, ...fields })).body;
const createAgent = async (fields: Json = {}): Promise<Json> =>
  (await api.call('POST', '/v1/agents/', { model: 'openai/gpt-4.1', include_base_tools: false, ...fields }))
    .body;
async function upload(folder: Json, name: string, content: string): Promise<Json> {
  const form = new FormData();
  form.append('file', new Blob([content]), name);
  const response = await fetch(`${api.baseUrl}/v1/folders/${String(folder['id'])}/upload`, {
    method: 'POST',
    body: form,
  });
  return (await response.json()) as Json;
}
const toolsOf = async (agent: Json): Promise<string[]> =>
  (await api.call('GET', `/v1/agents/${String(agent['id'])}/tools`)).body
    .map((tool: Json) => tool['name'])
    .sort();
const systemMessage = async (agent: Json): Promise<string> => {
  const { rows } = await api.database.pool.query(
    `select parts from messages where conversation_id = $1 and role = 'system' and in_context`,
    [agent['id']],
  );
  return rows[0].parts[0].text;
};
const filesOf = async (agent: Json, query = ''): Promise<Json> =>
  (await api.call('GET', `/v1/agents/${String(agent['id'])}/files${query}`)).body;
const patch = (agent: Json, rest: string, headers?: Record<string, string>) =>
  api.call('PATCH', `/v1/agents/${String(agent['id'])}${rest}`, undefined, headers);

describe('folders of an agent', () => {
  it('come with the tools to look into them, and the last one takes these along', async () => {
    const agent = await createAgent({ tools: ['conversation_search'] });
    const [first, second] = [
      await createFolder({ name: 'recipes', instructions: 'Cook.' }),
      await createFolder(),
    ];
    await upload(first, 'soup.md', 'Leek');
    const before = await systemMessage(agent);

    const attached = await patch(agent, `/folders/attach/${String(first['id'])}`);
    await patch(agent, `/folders/attach/${String(first['id'])}`);
    await patch(agent, `/folders/attach/${String(second['id'])}`);

    expect(attached).toEqual({ status: 200, body: null });
    expect(await toolsOf(agent)).toEqual(['conversation_search', ...FILE_TOOLS].sort());
    expect(await systemMessage(agent)).toContain(
      '<directory name="recipes">\n<instructions>\nCook.\n</instructions>\n- recipes/soup.md\n</directory>',
    );
    const seen = (await api.call('GET', `/v1/agents/${String(agent['id'])}/context`)).body;
    expect(seen.directories).toMatch(/^<directories>[^]*- recipes\/soup.md[^]*<\/directories>$/);
    expect(seen.num_tokens_directories).toBeGreaterThan(10);
    const { system_prompt, core_memory, tool_usage_rules, external_memory_summary } = seen;
    expect(`${system_prompt}${core_memory}${tool_usage_rules ?? ''}${external_memory_summary}`).not.toContain('recipes'); // prettier-ignore
    const state = (await api.call('GET', `/v1/agents/${String(agent['id'])}?include=agent.sources`)).body;
    expect(state.sources.map((one: Json) => one['id'])).toEqual([first['id'], second['id']]);
    expect((await api.call('GET', `/v1/folders/${String(first['id'])}/agents`)).body).toEqual([agent['id']]);

    await patch(agent, `/folders/detach/${String(first['id'])}`);
    expect(await toolsOf(agent)).toEqual(['conversation_search', ...FILE_TOOLS].sort());
    expect(await patch(agent, `/folders/detach/${String(first['id'])}`)).toMatchObject({ status: 200 });
    await patch(agent, `/folders/detach/${String(second['id'])}`);
    expect(await toolsOf(agent)).toEqual(['conversation_search']);
    const overview = (await api.call('GET', `/v1/agents/${String(agent['id'])}/context`)).body;
    expect(overview).toMatchObject({ num_tokens_directories: 0, directories: null });
    expect(before).not.toContain('<directories>');
    expect(await systemMessage(agent)).not.toContain('<directories>');
  });

  it('are given at the creation of an agent and replaced by an update, under both of their names', async () => {
    const [one, two] = [await createFolder(), await createFolder()];
    const agent = await createAgent({ folder_ids: [one['id']] });

    expect(await systemMessage(agent)).toContain(`<directory name="${String(one['name'])}">`);
    expect((await toolsOf(agent)).sort()).toEqual([...FILE_TOOLS].sort());
    await api.call('PATCH', `/v1/agents/${String(agent['id'])}`, { source_ids: [two['id']] });
    expect(await systemMessage(agent)).toContain(`<directory name="${String(two['name'])}">`);
    expect(await systemMessage(agent)).not.toContain(`<directory name="${String(one['name'])}">`);
    await api.call('PATCH', `/v1/agents/${String(agent['id'])}`, { folder_ids: [] });
    expect(await toolsOf(agent)).toEqual([]);
  });

  it('are not looked for at the creation of an agent that is given none', async () => {
    const asked = jest.spyOn(Client.prototype, 'query');
    const { sources } = await createAgent();
    const queries = asked.mock.calls.map(([query]) => JSON.stringify(query));
    asked.mockRestore();

    expect(sources).toEqual([]);
    expect(queries.length).toBeGreaterThan(3);
    expect(queries.filter((text) => text.includes('folders'))).toEqual([]);
  });

  it('go from the agent when they are deleted', async () => {
    const folder = await createFolder();
    const agent = await createAgent({ folder_ids: [folder['id']] });

    await api.call('DELETE', `/v1/folders/${String(folder['id'])}`);

    expect(await toolsOf(agent)).toEqual([]);
    expect(await systemMessage(agent)).not.toContain('<directories>');
    expect((await filesOf(agent))['files']).toEqual([]);
  });

  it('are attached, listed and detached by the unmodified SDK; sources answer with the agent', async () => {
    const folder = await createFolder();
    const agent = await createAgent();
    const agent_id = String(agent['id']);

    expect(await client.agents.folders.attach(String(folder['id']), { agent_id })).toBeNull();
    const listed: Json[] = [];
    for await (const one of client.agents.folders.list(agent_id)) listed.push(one);
    expect(listed).toMatchObject([{ id: folder['id'], vector_db_provider: 'native' }]);
    expect(await client.agents.folders.detach(String(folder['id']), { agent_id })).toBeNull();
    const older = await patch(agent, `/sources/attach/${String(folder['id'])}`);
    expect(older.body).toMatchObject({ id: agent_id, sources: [{ id: folder['id'] }] });
    expect((await api.call('GET', `/v1/agents/${agent_id}/sources`)).body).toHaveLength(1);
    expect((await patch(agent, `/sources/detach/${String(folder['id'])}`)).body.sources).toEqual([]);
  });

  it('that are not there are refused', async () => {
    const agent = await createAgent();
    const absent = 'source-00000000-0000-4000-8000-000000000000';

    expect((await patch(agent, `/folders/attach/${absent}`)).status).toBe(404);
    expect((await patch(agent, `/folders/detach/${absent}`)).status).toBe(404);
    expect((await patch(agent, '/folders/attach/source-1')).status).toBe(422);
    expect((await patch({ id: 'agent-00000000-0000-4000-8000-000000000000' }, `/folders/attach/${absent}`)).status).toBe(404); // prettier-ignore
  });
});

describe('files of an agent', () => {
  it('are listed, opened and closed by the unmodified SDK; too many open close the oldest', async () => {
    const folder = await createFolder({ name: 'shelf' });
    const files = [
      await upload(folder, 'a.md', 'A\nB'),
      await upload(folder, 'b.md', 'B'),
      await upload(folder, 'c.md', 'C'),
    ];
    const agent = await createAgent({ folder_ids: [folder['id']], max_files_open: 2 });
    const agent_id = String(agent['id']);
    const open = (file: Json | undefined) => client.agents.files.open(String(file?.['id']), { agent_id });

    expect([await open(files[0]), await open(files[1]), await open(files[2])]).toEqual([
      [],
      [],
      ['shelf/a.md'],
    ]);
    await open(files[0]);
    const listed: Json[] = [];
    for await (const file of client.agents.files.list(agent_id, { limit: 2, order: 'asc' }))
      listed.push(file);

    expect(listed.map((file) => [file['file_name'], file['is_open'], file['visible_content']])).toEqual([
      ['shelf/a.md', true, '1: A\n2: B'],
      ['shelf/b.md', false, null],
      ['shelf/c.md', true, '1: C'],
    ]);
    expect(listed[0]).toMatchObject({
      folder_id: folder['id'],
      folder_name: 'shelf',
      file_id: files[0]?.['id'],
    });
    expect((await filesOf(agent, '?is_open=true'))['files']).toHaveLength(2);
    expect(await client.agents.files.close(String(files[0]?.['id']), { agent_id })).toMatchObject({
      message: `File id=${String(files[0]?.['id'])} successfully closed`,
    });
    expect(await client.agents.files.closeAll(agent_id)).toEqual(['shelf/c.md']);
    expect((await filesOf(agent, '?is_open=true'))['files']).toEqual([]);
  });

  it('of a folder that the agent does not have are refused', async () => {
    const file = await upload(await createFolder(), 'a.md', 'A');
    const agent = await createAgent();

    expect((await patch(agent, `/files/${String(file['id'])}/open`)).status).toBe(404);
    expect((await patch(agent, `/files/${String(file['id'])}/close`)).status).toBe(404);
    expect((await patch(agent, '/files/file-1/open')).status).toBe(422);
  });
});

describe('what is shown of a file', () => {
  const excerptOf = async (
    content: string,
    range: { readonly firstLine?: number; readonly lastLine?: number },
    limit = 100,
  ) => {
    // prettier-ignore
    const { id } = await upload(await createFolder(), 'a.txt', content);
    const wanted = { id: String(id), firstLine: null, lastLine: null, ...range };
    return (await excerptsOf(api.database.pool, [wanted], limit)).get(wanted.id);
  };

  it.each([
    ['one\r\ntwo\r\n\r\nfour\r\n', {}, ['one', 'two', '', 'four'], 4],
    ['one\ntwo\nthree', { firstLine: 2 }, ['two', 'three'], 3],
    ['one\ntwo\nthree', { firstLine: 2, lastLine: 2 }, ['two'], 3],
    ['one\ntwo\nthree', { firstLine: 9 }, [], 3],
    ['\n\n', {}, ['', ''], 2],
    ['', {}, [], 0],
  ])('of %j is %j: %j', async (content, range, lines, lineCount) => {
    expect(await excerptOf(content, range)).toEqual({ lines, lineCount });
  });

  it('is cut by Postgres, at a line where one fits', async () => {
    const lines = Array.from({ length: 1_000 }, (_, n) => `line ${n}`);

    expect(await excerptOf(lines.join('\n'), { firstLine: 11 }, 20)).toEqual({ lines: ['line 10', 'line 11', 'line 12'], lineCount: 1_000 }); // prettier-ignore
    expect(await excerptOf('x'.repeat(1_000), {}, 20)).toEqual({ lines: ['x'.repeat(20)], lineCount: 1 });
  });
});

describe('a search by pattern', () => {
  const search = async (content: string, pattern: string) => {
    const folder = await createFolder({ name: `grep ${count++}` });
    const file = await upload(folder, 'a.txt', content);
    const agent = await createAgent({ folder_ids: [folder['id']] });
    const { pool } = api.database;
    const searches = createSearches({
      pool,
      embedder: noEmbedder,
      vectors: createVectorCache(pool),
      onFailure: () => undefined,
    });
    const query = { pattern, fileIds: [String(file['id'])], contextLines: 1, offset: 0, limit: 2 };
    return createAgentFiles(pool, searches.files).grep(String(agent['id']), query);
  };

  it('finds whole words in any case, with their neighbours, a page at a time', async () => {
    const found = await search('cat\r\nconcat\r\nThe CAT sat\r\ncat', '\\bcat\\b');

    expect(found.hasMore).toBe(true);
    expect(found.matches.map(({ line, context }) => [line, context.map(({ text }) => text)])).toEqual([
      [1, ['cat', 'concat']],
      [3, ['concat', 'The CAT sat', 'cat']],
    ]);
  });

  it('brings lines of their own context only, long ones cut', async () => {
    const { matches } = await search(`cat\n${'y'.repeat(2_000)}\n\n\ncat`, '^cat$');

    expect(matches.map(({ line, context }) => [line, context.map(({ line: at, text }) => [at, text.length])])).toEqual([
      [1, [[1, 3], [2, 1_000]]],
      [5, [[4, 0], [5, 3]]],
    ]); // prettier-ignore
  });

  it('says what is wrong with a pattern', async () => {
    await expect(search('x', '(')).rejects.toThrow(/no regular expression/);
  });
});
