import Letta from '@letta-ai/letta-client';
import { startDroppingProxy, type DroppingProxy, type Fate } from '../support/dropping-proxy';
import type { FakeOpenAi } from '../support/fake-openai';
import { runPython } from '../support/python-sdk';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';

// What the unmodified SDKs do when an answer is slow or lost: they send the request again. One turn must come of it.

let fake: FakeOpenAi;
let server: LiveServer;
/** To an API with the product's own times: an answer is begun after 20 seconds, one to a request that is sent again after one. */
let proxy: DroppingProxy;
/** To one that begins its answers early. */
let earlyProxy: DroppingProxy;

beforeAll(async () => {
  server = await startLiveServer({ roles: SPLIT });
  ({ fake } = server);
  proxy = await startDroppingProxy(server.url);
  await server.start('api', {}, 'test/support/serve-early-answers.ts');
  earlyProxy = await startDroppingProxy(server.url);
});
afterAll(async () => {
  await Promise.all([proxy.close(), earlyProxy.close()]);
  await server.stop();
});
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

const connect = (options: { baseURL?: string; timeout?: number; maxRetries?: number } = {}): Letta =>
  new Letta({ baseURL: proxy.url, apiKey: 'none', ...options });
const createAgent = async (): Promise<string> =>
  (await connect().agents.create({ model: 'openai/gpt-4.1', include_base_tools: false })).id;
const said = (messages: readonly object[]): string =>
  messages.flatMap((message) => ('content' in message ? [message.content] : [])).join('');
const runsOf = async (agentId: string) =>
  (await connect().runs.list({ agent_id: agentId })).getPaginatedItems();
const sendings = (through: DroppingProxy, agentId: string): number =>
  through.requests.filter((line) => line.startsWith(`POST /v1/agents/${agentId}/messages`)).length;
const askedFor = (text: string): number => fake.requests.filter(({ raw }) => raw.includes(text)).length;

it('a turn of six seconds is one turn for clients that give up after three, and one request where the answer begins early', async () => {
  const agents = await Promise.all([createAgent(), createAgent(), createAgent(), createAgent()]);
  const input = (name: string) => `DELAY 6000\nSAY ${name} done`;
  const bySdk = async (baseURL: string, agentId: string, name: string) => {
    const client = connect({ baseURL, timeout: 3_000, maxRetries: 8 });
    const answer = await client.agents.messages.create(agentId, { input: input(name) });
    return [`answer: ${said(answer.messages)} ${answer.stop_reason.stop_reason}`];
  };

  const answers = await Promise.all([
    bySdk(proxy.url, agents[0], 'ts-again'),
    bySdk(earlyProxy.url, agents[1], 'ts-early'),
    runPython('sent_again.py', 'slow', proxy.url, agents[2], input('py-again')),
    runPython('sent_again.py', 'slow', earlyProxy.url, agents[3], input('py-early')),
  ]);

  const names = ['ts-again', 'ts-early', 'py-again', 'py-early'];
  expect(answers).toEqual(names.map((name) => [`answer: ${name} done end_turn`]));
  expect(names.map(askedFor)).toEqual([1, 1, 1, 1]);
  expect((await Promise.all(agents.map(runsOf))).map((runs) => runs.length)).toEqual([1, 1, 1, 1]);
  expect(sendings(proxy, agents[0])).toBeGreaterThan(1);
  expect(sendings(proxy, agents[2])).toBeGreaterThan(1);
  expect(sendings(earlyProxy, agents[1])).toBe(1);
  expect(sendings(earlyProxy, agents[3])).toBe(1);
});

describe.each<Fate>(['drop', 'fail'])('when the answer is lost (%s)', (fate) => {
  it('a blocking request is sent again and gets the answer of its run', async () => {
    const agentId = await createAgent();
    proxy.meet(fate);

    const answer = await connect().agents.messages.create(agentId, { input: `SAY once ${agentId}` });

    expect(said(answer.messages)).toBe(`once ${agentId}`);
    expect((await runsOf(agentId)).map(({ id }) => id)).toEqual([answer.messages[0]?.run_id]);
    expect([sendings(proxy, agentId), askedFor(`once ${agentId}`)]).toEqual([2, 1]);
  });

  it('a streamed request is sent again and gets the log of its run from the start', async () => {
    const agentId = await createAgent();
    proxy.meet(fate);

    const stream = await connect().agents.messages.create(agentId, {
      input: `SAY streamed ${agentId}`,
      streaming: true,
      stream_tokens: true,
    });
    const chunks: { message_type: string; content?: unknown; run_id?: string }[] = [];
    for await (const chunk of stream) chunks.push(chunk as (typeof chunks)[number]); // as the SDK parsed them

    const [run, ...others] = await runsOf(agentId);
    expect(others).toEqual([]);
    expect(chunks[0]).toMatchObject({ message_type: 'ping', run_id: run?.id });
    expect(said(chunks.filter((chunk) => chunk.message_type === 'assistant_message'))).toBe(
      `streamed ${agentId}`,
    );
    expect(chunks.at(-1)?.message_type).toBe('usage_statistics');
    expect([sendings(proxy, agentId), askedFor(`streamed ${agentId}`)]).toEqual([2, 1]);
  });

  it('an async request is sent again and names the same run', async () => {
    const agentId = await createAgent();
    proxy.meet(fate, fate);

    const run = await connect().agents.messages.createAsync(agentId, { input: `SAY later ${agentId}` });

    expect((await runsOf(agentId)).map(({ id }) => id)).toEqual([run.id]);
    expect(sendings(proxy, agentId)).toBe(3);
  });
});

it('the same otid sent twice at once is one turn, and both get its answer', async () => {
  const agentId = await createAgent();
  const messages = [{ role: 'user' as const, content: `DELAY 300\nSAY otid ${agentId}`, otid: 'message-1' }];
  const client = connect({ maxRetries: 0 });

  const [one, two] = await Promise.all([
    client.agents.messages.create(agentId, { messages }),
    client.agents.messages.create(agentId, { messages }),
  ]);
  const three = await client.agents.messages.create(agentId, { messages });

  expect(two).toEqual(one);
  expect(three).toEqual(one);
  expect(await runsOf(agentId)).toHaveLength(1);
  expect(askedFor(`otid ${agentId}`)).toBe(1);
});

it('an Idempotency-Key makes a request one turn, and refuses another body at once', async () => {
  const agentId = await createAgent();
  const client = connect();
  const options = { headers: { 'Idempotency-Key': 'order-7' } };

  const one = await client.agents.messages.create(agentId, { input: 'SAY keyed' }, options);
  const two = await client.agents.messages.create(agentId, { input: 'SAY keyed' }, options);
  const before = sendings(proxy, agentId);
  const other = client.agents.messages.create(agentId, { input: 'SAY other' }, options);

  expect(two).toEqual(one);
  await expect(other).rejects.toMatchObject({ status: 422 });
  expect(sendings(proxy, agentId)).toBe(before + 1);
  expect(await runsOf(agentId)).toHaveLength(1);
});

it('two equal messages sent on purpose are two turns', async () => {
  const agentId = await createAgent();

  const one = await connect().agents.messages.create(agentId, { input: 'SAY same' });
  const two = await connect().agents.messages.create(agentId, { input: 'SAY same' });

  expect(one.messages[0]?.run_id).not.toBe(two.messages[0]?.run_id);
  expect(await runsOf(agentId)).toHaveLength(2);
});
