import type { FakeOpenAi } from '../support/fake-openai';
import { blockValue, call, createAgent } from '../support/live-api';
import { startLiveServer, type LiveServer } from '../support/live-server';
import { until } from '../support/started';

const AGENTS = 12;

let server: LiveServer;
let fake: FakeOpenAi;
beforeAll(async () => {
  server = await startLiveServer();
  ({ fake } = server);
});
afterAll(() => server.stop());

interface Batch {
  readonly id: string;
  readonly status: string;
  readonly metadata: { readonly runs: Readonly<Record<string, number>> };
}

it('a batch whose server is killed in the middle comes to its end with the next one, each message once', async () => {
  const agents = await Promise.all(Array.from({ length: AGENTS }, () => createAgent(server.url)));
  const input = (at: number) =>
    `DELAY 200\nCALL memory_insert ${JSON.stringify({ label: 'human', new_string: `fact ${at}` })}\nTHEN\nDELAY 200\nSAY Done ${at}`;
  const requests = agents.map(({ id }, at) => ({ agent_id: id, input: input(at) }));
  const { id } = await call<Batch>(server.url, 'POST', '/v1/messages/batches', { requests });
  const batch = () => call<Batch>(server.url, 'GET', `/v1/messages/batches/${id}`);

  await until(async () => ((await batch()).metadata.runs['completed'] ?? 0) > 0);
  const atDeath = await batch();
  await server.worker.kill('SIGKILL');
  await server.start('all');
  await until(async () => (await batch()).status !== 'running', 90_000);

  expect(atDeath.status).toBe('running');
  expect(await batch()).toMatchObject({ status: 'completed', metadata: { runs: { completed: AGENTS } } });
  for (const [at, { blockId }] of agents.entries()) {
    expect(await blockValue(server.url, blockId)).toBe(`start\nfact ${at}`);
  }
  const { messages } = await call<{ messages: { role: string; content: { text: string }[] }[] }>(
    server.url,
    'GET',
    `/v1/messages/batches/${id}/messages?limit=100`,
  );
  const said = messages.flatMap(({ role, content }) => (role === 'assistant' ? content : []));
  expect(said.map(({ text }) => text).filter((text) => text.startsWith('Done')).toSorted()).toEqual(agents.map((_, at) => `Done ${at}`).toSorted()); // prettier-ignore
  expect(fake.problems).toEqual([]);
});
