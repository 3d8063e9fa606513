import Letta, { toFile } from '@letta-ai/letta-client';
import { startFakeEmbeddings, type FakeEmbeddings } from '../support/fake-embeddings';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
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
