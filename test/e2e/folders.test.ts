import Letta, { toFile } from '@letta-ai/letta-client';
import { startFakeEmbeddings, type FakeEmbeddings } from '../support/fake-embeddings';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
import { pdfOf } from '../support/pdf';
import type { Served } from '../support/served';
import { until } from '../support/started';

let server: LiveServer;
let embeddings: FakeEmbeddings;
let client: Letta;
beforeAll(async () => {
  embeddings = await startFakeEmbeddings({ synonyms: [['dog', 'puppy']] });
  server = await startLiveServer({ env: { EMBEDDINGS_BASE_URL: embeddings.url }, roles: SPLIT });
  client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await server.stop();
  await embeddings.close();
});

const upload = async (folderId: string, name: string, text: string) =>
  client.folders.files.upload(folderId, { file: await toFile(Buffer.from(text), name) });
const statusOf = async (folderId: string, fileId: string) =>
  (await client.folders.files.retrieve(fileId, { folder_id: folderId })).processing_status;
/** What the tools answered. */
async function ask(agentId: string, input: string): Promise<readonly string[]> {
  const { messages } = await client.agents.messages.create(agentId, { input });
  const results = messages.filter((message) => message.message_type === 'tool_return_message');
  return results.map((message) => (message as unknown as { tool_return: string }).tool_return);
}

it('an agent greps, searches and opens the files of a folder that it was given', async () => {
  const folder = await client.folders.create({ name: 'house' });
  const pets = await upload(folder.id, 'pets.md', '# Puppy\n\nThe puppy sleeps.\n');
  await upload(folder.id, 'bills.csv', 'month,amount\nMay,12\nJune,14\n');
  const agent = await client.agents.create({ model: 'openai/gpt-4.1', folder_ids: [folder.id] });
  await until(async () => (await statusOf(folder.id, pets.id)) === 'completed');

  const [grepped] = await ask(agent.id, 'CALL grep_files {"pattern":"^ju","include":"*.csv"}');
  const [found] = await ask(agent.id, 'CALL semantic_search_files {"query":"dog","limit":1}');
  const [opened] = await ask(agent.id, 'CALL open_files {"file_requests":[{"file_name":"house/bills.csv","offset":1,"length":1}]}'); // prettier-ignore
  await upload(folder.id, 'later.txt', 'later');
  const [unknown] = await ask(agent.id, 'CALL open_files {"file_requests":[{"file_name":"house/nope.md"}]}');
  const [later] = await ask(agent.id, 'CALL open_files {"file_requests":[{"file_name":"later.txt"}]}');

  expect(grepped).toContain('house/bills.csv:3\n  2: May,12\n> 3: June,14');
  expect(found).toContain('[house/pets.md, lines 1-3]\n# Puppy\n\nThe puppy sleeps.');
  expect(opened).toBe('[house/bills.csv, lines 2-2 of 3]\n2: May,12');
  expect(unknown).toContain('house/bills.csv, house/later.txt, house/pets.md');
  expect(later).toBe('[house/later.txt, lines 1-1 of 1]\n1: later');
  const open: (string | undefined)[] = [];
  for await (const file of client.agents.files.list(agent.id, { is_open: true, order: 'asc' }))
    open.push(file.file_name);
  expect(open).toEqual(['house/bills.csv', 'house/later.txt']);
});

it('a PDF is found by its words, and its pages are read in a thread', async () => {
  const folder = await client.folders.create({ name: 'contracts' });
  const lease = await toFile(Buffer.from(pdfOf([['Lease'], ['The rent is due in May.']])), 'lease.pdf');
  await client.folders.files.upload(folder.id, { file: lease });
  const agent = await client.agents.create({ model: 'openai/gpt-4.1', folder_ids: [folder.id] });

  const [found] = await ask(agent.id, 'CALL grep_files {"pattern":"rent"}');

  expect(found).toContain('contracts/lease.pdf:3\n  2: \n> 3: The rent is due in May.');
});

it('what clients open and close, and files that come and go, is told to the model behind what it has read', async () => {
  const folder = await client.folders.create({ name: 'desk' });
  const note = await upload(folder.id, 'note.md', 'Water the plants.\n');
  const agent = await client.agents.create({ model: 'openai/gpt-4.1', folder_ids: [folder.id] });
  const prompts = () => server.fake.requests.map(({ body }) => body['messages'] as readonly { content: unknown }[]); // prettier-ignore
  const say = async (input: string): Promise<string> => {
    const before = server.fake.requests.length;
    await client.agents.messages.create(agent.id, { input });
    const prompt = prompts()[before] ?? [];
    return JSON.stringify(prompt.slice(-2).map(({ content }) => content));
  };

  await say('Hello.');
  const first = prompts().at(-1) ?? [];
  await client.agents.files.open(note.id, { agent_id: agent.id });
  const opened = await say('What do you see?');
  const second = prompts().at(-1) ?? [];
  const nothing = await say('And else?');
  await upload(folder.id, 'more.md', 'more');
  await client.agents.files.closeAll(agent.id);
  const changed = await say('And now?');

  expect(opened).toContain('[desk/note.md, lines 1-1 of 1]\\n1: Water the plants.');
  expect(second.slice(0, first.length)).toEqual(first);
  expect(nothing).not.toContain('folder_update');
  expect(changed).toContain('- desk/more.md\\n- desk/note.md');
  expect(changed).toContain(`<closed id=\\"${note.id}\\"> desk/note.md`);
  expect(changed).not.toContain('plants');
});

describe('an upload', () => {
  const LOCK = 7;
  const rows = async (sql: string, ...values: readonly unknown[]): Promise<readonly unknown[]> =>
    (await server.database.pool.query(sql, [...values])).rows;
  const somebodyWaits = async () =>
    (
      await rows(
        `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      )
    ).length > 0;
  let api: Served;
  beforeAll(async () => {
    await server.database.pool.query(
      `create function wait() returns trigger language plpgsql
         as $$ begin perform pg_advisory_xact_lock_shared(${LOCK}); return null; end $$`,
    );
    api = await server.start('api');
  });
  afterEach(() => server.database.pool.query('drop trigger if exists waits on files'));

  it.each([
    { when: 'before it is stored', at: 'immediate', stored: 0 },
    { when: 'between its storage and its answer', at: 'deferred', stored: 1 },
  ])('whose server is killed $when is one file when it is sent again', async ({ at, stored }) => {
    const folder = await client.folders.create({ name: `killed ${at}` });
    const send = async (): Promise<{ readonly id: string }> => {
      const form = new FormData();
      form.append('file', new Blob(['# Notes\n\nkept\n']), 'notes.md');
      const url = `${server.url}/v1/folders/${folder.id}/upload`;
      const response = await fetch(url, { method: 'POST', body: form, headers: { 'idempotency-key': 'k' } });
      return (await response.json()) as { id: string };
    };
    const count = async () => (await rows(`select from files where folder_id = $1`, folder.id)).length;
    await server.database.pool.query(
      `create constraint trigger waits after insert on files deferrable initially ${at} for each row execute function wait()`,
    );
    const holder = await server.database.pool.connect();
    await holder.query('select pg_advisory_lock($1)', [LOCK]);
    const lost = send().then(
      () => 'answered',
      () => 'lost',
    );
    await until(somebodyWaits);

    process.kill(api.pid, 'SIGSTOP');
    await holder.query('select pg_advisory_unlock($1)', [LOCK]);
    holder.release();
    await until(async () => !(await somebodyWaits()) && (await count()) === stored);
    await api.kill('SIGKILL');
    expect(await lost).toBe('lost');
    api = await server.start('api');
    const [first, again] = [await send(), await send()];

    expect(again.id).toBe(first.id);
    expect(await count()).toBe(1);
    client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
    await until(async () => (await statusOf(folder.id, first.id)) === 'completed');
    expect(
      await rows(
        `select text, embedding is not null as found from file_passages where file_id = $1`,
        first.id,
      ),
    ).toEqual([{ text: '# Notes\n\nkept', found: true }]);
  });

  it('whose worker is killed while it fills vectors in gets them all, and asks anew for none that were stored', async () => {
    const folder = await client.folders.create({ name: 'many' });
    const texts = Array.from({ length: 100 }, (_, n) => `passage ${n} ${'word '.repeat(238)}`.trimEnd());
    const open = embeddings.hold(1);
    const file = await upload(folder.id, 'many.md', texts.join('\n'));
    await until(() => texts.every((text) => embeddings.timesAsked(text) > 0));

    await server.worker.kill('SIGKILL');
    open();
    const stored = await rows(
      `select from file_passages where file_id = $1 and embedding is not null`,
      file.id,
    );
    await server.start('worker');
    // What the dead worker had taken is another's after a minute.
    await until(async () => (await statusOf(folder.id, file.id)) === 'completed', 120_000);

    const timesAsked = texts.map((text) => embeddings.timesAsked(text));
    expect(stored.length).toBeGreaterThan(0);
    expect(timesAsked.filter((times) => times === 1)).toHaveLength(stored.length);
    expect(timesAsked.filter((times) => times === 2)).toHaveLength(texts.length - stored.length);
    expect(
      await rows(
        `select text from file_passages where file_id = $1 and embedding is not null order by position`,
        file.id,
      ),
    ).toEqual(texts.map((text) => ({ text })));
  });
});

it('a file that was uploaded while no worker lives gets its vectors when one does', async () => {
  const folder = await client.folders.create({ name: 'orphaned' });
  await server.worker.kill('SIGKILL');

  const file = await upload(folder.id, 'a.md', 'nobody was there\n');
  const before = await statusOf(folder.id, file.id);
  await server.start('worker');
  await until(async () => (await statusOf(folder.id, file.id)) === 'completed');

  expect(before).toBe('embedding');
  const { rows } = await server.database.pool.query(
    `select count(*)::integer as count from file_passages where folder_id = $1 and embedding is not null`,
    [folder.id],
  );
  expect(rows).toEqual([{ count: 1 }]);
});
