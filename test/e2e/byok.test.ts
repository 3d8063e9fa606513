import Letta, { NotFoundError } from '@letta-ai/letta-client';
import { type FakeOpenAi, startFakeOpenAI } from '../support/fake-openai';
import { directiveScript } from '../support/fake-openai-script';
import { type LiveServer, SPLIT, startLiveServer } from '../support/live-server';

// A user's own key: stored while a worker runs, changed and taken away again, without a restart of anything.

const WORDS = Array.from({ length: 40 }, (_, n) => `word${n} `).join('');
let theirs: FakeOpenAi;
let server: LiveServer;
let client: Letta;

beforeAll(async () => {
  [theirs, server] = await Promise.all([
    startFakeOpenAI({
      script: (request) =>
        request.turns.at(-1)?.text === 'slowly'
          ? { text: WORDS, chunkSize: 8, frameDelayMs: 60 }
          : directiveScript(request),
    }),
    startLiveServer({ roles: SPLIT }),
  ]);
  client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await server.stop();
  await theirs.close();
});

const keysSeen = () => theirs.requests.map(({ authorization }) => authorization);
async function say(agentId: string, input: string): Promise<unknown> {
  const { messages } = await client.agents.messages.create(agentId, { input });
  return messages.flatMap((message) =>
    message.message_type === 'assistant_message' ? [message.content] : [],
  )[0];
}

it('an agent talks with the key of its user, with a changed one from its next step, and not without', async () => {
  const provider = await client.post<{ id: string }>('/v1/providers/', {
    body: { name: 'mine', provider_type: 'openai', api_key: 'sk-user-first', base_url: theirs.url },
  });
  const { id } = await client.agents.create({ model: 'mine/gpt-4.1' });

  expect(await say(id, 'SAY with my key')).toBe('with my key');
  await client.patch(`/v1/providers/${provider.id}`, { body: { api_key: 'sk-user-second' } });
  expect(await say(id, 'SAY with the next one')).toBe('with the next one');
  expect(keysSeen()).toEqual(['Bearer sk-user-first', 'Bearer sk-user-second']);
  expect(server.fake.count).toBe(0);

  await client.delete(`/v1/providers/${provider.id}`);
  const failed = await client.agents.messages
    .create(id, { input: 'SAY nothing' })
    .catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(NotFoundError);
  expect((failed as NotFoundError).error).toMatchObject({
    error: {
      type: 'llm_not_found',
      detail: expect.stringContaining("no provider 'mine' for model mine/gpt-4.1"),
    },
  });
  expect(keysSeen()).toHaveLength(2);

  const [step] = (await client.steps.list({ agent_id: id, order: 'asc', limit: 1 })).items;
  expect(step).toMatchObject({
    provider_name: 'mine',
    provider_category: 'byok',
    model_handle: 'mine/gpt-4.1',
  });
  expect(theirs.problems).toEqual([]);
});

it('a reply that goes on in the background is asked for anew when its key was changed and its worker died', async () => {
  const provider = await client.post<{ id: string }>('/v1/providers/', {
    body: { name: 'ours', provider_type: 'openai', api_key: 'sk-ours-first', base_url: theirs.url },
  });
  const { id } = await client.agents.create({
    model: 'ours/gpt-5.2',
    model_settings: { provider_type: 'openai', background: true } as Letta.OpenAIModelSettings,
  });
  const before = theirs.requests.length;
  const response = await fetch(`${server.url}/v1/agents/${id}/messages/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input: 'slowly', stream_tokens: true }),
  });
  let text = '';
  let isKilled = false;
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (isKilled || !text.includes('assistant_message')) continue;
    isKilled = true;
    await client.patch(`/v1/providers/${provider.id}`, { body: { api_key: 'sk-ours-second' } });
    await server.worker.kill('SIGKILL');
    await server.start('worker');
  }

  const asked = theirs.requests.slice(before).map(({ authorization }) => authorization);
  expect(asked).toEqual(['Bearer sk-ours-first', 'Bearer sk-ours-second']);
  expect(theirs.backgroundCalls[0]).toBe(`GET resp_fake${before}`);
  expect(text).toContain('event: rewind');
  expect(text).toContain('"stop_reason":"end_turn"');
  const { items } = await client.agents.messages.list(id, { order: 'asc' });
  expect(items.flatMap((message) => (message.message_type === 'assistant_message' ? [message.content] : []))).toEqual([WORDS]); // prettier-ignore
  expect(await say(id, 'SAY once more')).toBe('once more');
  expect(theirs.problems).toEqual([]);
});

it('passages are embedded with the key of a user', async () => {
  await client.post('/v1/providers/', {
    body: { name: 'vectors', provider_type: 'openai', api_key: 'sk-vectors', base_url: theirs.url },
  });
  const archive = await client.archives.create({ name: 'a', embedding: 'vectors/text-embedding-3-small' });

  const passage = await client.archives.passages.create(archive.id, { text: 'roses' });

  expect(passage.embedding).toHaveLength(1536);
});

it('a stream tells of the missing provider as well, and the agent goes on with another model', async () => {
  const body = { name: 'gone', provider_type: 'openai', api_key: 'sk-user', base_url: theirs.url };
  const provider = await client.post<{ id: string }>('/v1/providers/', { body });
  const { id } = await client.agents.create({ model: 'gone/gpt-4.1' });
  await client.delete(`/v1/providers/${provider.id}`);

  const response = await fetch(`${server.url}/v1/agents/${id}/messages/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input: 'SAY nothing' }),
  });
  expect(await response.text()).toContain("no provider 'gone' for model gone/gpt-4.1");

  await client.agents.update(id, { model: 'openai/gpt-4.1' });
  expect(await say(id, 'SAY back again')).toBe('back again');
});
