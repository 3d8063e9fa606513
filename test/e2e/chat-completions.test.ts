import Letta from '@letta-ai/letta-client';
import OpenAI from 'openai';
import { startFakeOpenAI, type FakeOpenAi } from '../support/fake-openai';
import { serve, type Served } from '../support/served';
import { createTestDatabase, testTemporalAddress, type TestDatabase } from '../support/stack';

// An agent as the model of OpenAI's unmodified SDK.

let database: TestDatabase;
let fake: FakeOpenAi;
let server: Served;
let letta: Letta;
let openai: OpenAI;
let model: string;

beforeAll(async () => {
  database = await createTestDatabase();
  fake = await startFakeOpenAI();
  server = await serve({
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: testTemporalAddress(),
    TEMPORAL_TASK_QUEUE: 'chat-completions',
    OPENAI_API_KEY: 'sk-test',
    OPENAI_BASE_URL: fake.url,
  });
  letta = new Letta({ baseURL: server.url ?? '', apiKey: 'none', maxRetries: 0 });
  openai = new OpenAI({ baseURL: `${server.url ?? ''}/v1`, apiKey: 'none', maxRetries: 0 });
  model = (await letta.agents.create({ model: 'openai/gpt-4.1' })).id;
});
afterAll(async () => {
  await server.kill('SIGTERM');
  await fake.close();
  await database.drop();
});

const user = (content: string) => ({ role: 'user', content }) as const;

it('streams what the agent says in chunks, and nothing of its tools', async () => {
  const recall = 'CALL conversation_search {"query":"x"}\nTHEN\nSAY I found nothing.';

  const stream = await openai.chat.completions.create({ model, messages: [user(recall)], stream: true });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);

  const choices = chunks.map(({ choices: [choice] }) => choice!);
  expect(choices.map(({ delta }) => delta.content ?? '').join('')).toBe('I found nothing.');
  expect(choices.map(({ delta }) => delta.role).filter(Boolean)).toEqual(['assistant']);
  expect(choices.map(({ finish_reason: reason }) => reason).filter(Boolean)).toEqual(['stop']);
  expect(chunks[0]).toMatchObject({ object: 'chat.completion.chunk', model: 'gpt-4.1' });
});

it('answers in one piece too, and tells the agent only what is new to it', async () => {
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } } as const;
  const messages: OpenAI.ChatCompletionMessageParam[] = [
    { role: 'system', content: 'Be brief.' },
    user('I was told already.'),
    { role: 'assistant', content: 'Yes.' },
    { role: 'user', content: [{ type: 'text', text: 'SAY All is well.' }, image] },
  ];

  const answer = await openai.chat.completions.create({ model, messages });

  expect(answer.choices[0]!.message).toMatchObject({ role: 'assistant', content: 'All is well.' });
  expect(answer.usage!.total_tokens).toBeGreaterThan(0);
  const sent = JSON.stringify(fake.requests.at(-1)!.body);
  expect(sent).toContain('iVBORw0KGgo=');
  expect(sent).not.toContain('I was told already.');
});

it('a model that is no agent, and a request without a user, are refused with the way out', async () => {
  const ask = (named: string, messages: OpenAI.ChatCompletionMessageParam[]) =>
    openai.chat.completions.create({ model: named, messages }).catch((error: unknown) => error);
  const unknown = 'agent-00000000-0000-4000-8000-000000000000';

  expect(await ask('gpt-4.1', [user('hi')])).toMatchObject({ status: 400 });
  expect(await ask(unknown, [user('hi')])).toMatchObject({ status: 404 });
  expect(await ask(model, [{ role: 'system', content: 'hi' }])).toMatchObject({ status: 400 });
});

it('a turn that fails is an error of the stream and of the answer', async () => {
  const messages = [user('ERR 400')];
  const streamed = async () => {
    for await (const _ of await openai.chat.completions.create({ model, messages, stream: true })) continue;
  };

  await expect(streamed()).rejects.toThrow(/./);
  await expect(openai.chat.completions.create({ model, messages })).rejects.toMatchObject({ status: 400 });
});
