import { createModelRegistry } from '../../../llm/registry';
import type { FakeOpenAiOptions } from '../../support/fake-openai';
import { startFakeOpenAI } from '../../support/fake-openai';
import { startFakeAnthropic } from '../../support/fake-anthropic';
import { startFakeGemini } from '../../support/fake-gemini';
import { sendJson, startFakeServer } from '../../support/fake-server';
import { call, failure } from './calls';
import { modelRequest } from './requests';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function keep<T extends { close(): Promise<void> }>(server: T): T {
  open.push(server);
  return server;
}
const openai = async (options: FakeOpenAiOptions = {}) => keep(await startFakeOpenAI(options));
const endpoint = (baseUrl: string) => ({ apiKey: 'k', baseUrl });
const DEAD = 'http://127.0.0.1:9/v1';

it('lists the chat models of every provider by handle', async () => {
  const [own, claude, gemini] = [
    await openai(),
    keep(await startFakeAnthropic([])),
    keep(await startFakeGemini([])),
  ];
  const router = await openai({
    models: [
      { id: 'anthropic/claude-x', context_length: 200_000, top_provider: { max_completion_tokens: 8000 }, architecture: { output_modalities: ['text'] } },
      { id: 'maker/painter', architecture: { output_modalities: ['image'] } },
    ],
  }); // prettier-ignore
  const local = await openai({ models: [{ id: 'my-model', max_model_len: 8192 }] });
  const models = createModelRegistry({
    openai: endpoint(own.url),
    anthropic: endpoint(claude.url),
    gemini: endpoint(gemini.url),
    openrouter: endpoint(router.url),
    vllm: { apiKey: null, baseUrl: local.url.replace('/v1', '') },
    ollama: { apiKey: null, baseUrl: null },
  });

  const listed = await models.list();

  expect(listed.map((model) => model.handle)).toEqual([
    'openai/gpt-4.1',
    'openai/gpt-4o-mini',
    'openai/gpt-5-mini',
    'openai/gpt-5.2',
    'anthropic/claude-sonnet-4-5',
    'google_ai/gemini-2.5-flash',
    'openrouter/anthropic/claude-x',
    'vllm/my-model',
  ]);
  expect(listed[0]).toEqual({
    handle: 'openai/gpt-4.1',
    name: 'gpt-4.1',
    displayName: 'gpt-4.1',
    providerName: 'openai',
    providerCategory: 'base',
    providerType: 'openai',
    endpoint: own.url,
    contextWindow: 1_047_576,
    maxOutputTokens: 16_384,
    isReasoning: false,
  });
  expect(listed[3]).toMatchObject({ contextWindow: 272_000, maxOutputTokens: 128_000, isReasoning: true });
  expect(listed[4]).toMatchObject({ displayName: 'Claude Sonnet 4.5', contextWindow: 200_000 });
  expect(listed[6]).toMatchObject({ contextWindow: 200_000, maxOutputTokens: 8000 });
  expect(listed[7]).toMatchObject({ contextWindow: 8192, maxOutputTokens: 2048 });
});

it('keeps the names of models that only a compatible server knows', async () => {
  const server = await openai({
    models: ['llama-3', 'weird.Name:7b', 'whisper-1', 'text-embedding-3-small', 'dall-e-3'],
  });

  const listed = await createModelRegistry({ openai: endpoint(server.url) }).list();

  expect(listed.map((model) => model.name)).toEqual(['llama-3', 'weird.Name:7b']);
});

it('resolves handles, the proxy alias included, and refuses others in Letta’s words', async () => {
  const server = await openai({ models: ['gpt-4.1', 'gpt-5.2'] });
  const models = createModelRegistry({ openai: endpoint(server.url) });
  const known = "must be one of ['openai/gpt-4.1', 'openai/gpt-5.2']";

  expect((await models.resolve('openai/gpt-4.1')).handle).toBe('openai/gpt-4.1');
  expect((await models.resolve('openai-proxy/gpt-4.1')).handle).toBe('openai/gpt-4.1');
  expect(await failure(models.resolve('gpt-4.1'))).toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: 'The model handle should be in the format provider/model-name',
  });
  for (const handle of ['openai/gpt-nope', 'nobody/gpt-4.1', 'openai/', 'everturn/demo']) {
    expect(await failure(models.resolve(handle))).toMatchObject({
      code: 'NOT_FOUND',
      message: `Handle ${handle} not found, ${known}`,
    });
  }
});

it('asks a provider once, however many ask at the same time, and again when the list is old', async () => {
  const server = await openai();
  let time = 0;
  const models = createModelRegistry(
    { openai: endpoint(server.url) },
    { listingTtlMs: 1000, now: () => time },
  );

  await Promise.all([
    models.list(),
    models.list(),
    models.resolve('openai/gpt-4.1'),
    models.client('openai/gpt-4.1'),
  ]);
  await models.list();
  expect(server.listings).toBe(1);

  time = 2000;
  await models.list(); // Served from the old list; the new one is fetched behind it.
  await until(() => server.listings === 2);
});

it('finds a model that appeared after the list was made', async () => {
  const names = ['gpt-4.1'];
  const server = await openai({ models: names });
  let time = 0;
  const models = createModelRegistry({ openai: endpoint(server.url) }, { now: () => time });
  await models.list();

  names.push('gpt-6');
  time = 5000;

  expect((await models.resolve('openai/gpt-6')).handle).toBe('openai/gpt-6');
});

it('serves the last list of a provider that is down and the lists of the others', async () => {
  const server = await openai({ models: ['gpt-4.1'] });
  let time = 0;
  const config = { openai: endpoint(server.url), openrouter: endpoint(DEAD) };
  const models = createModelRegistry(config, { now: () => time });
  expect((await models.list()).map((model) => model.handle)).toEqual(['openai/gpt-4.1']);

  await server.close();
  time = 600_000;

  expect((await models.list()).map((model) => model.handle)).toEqual(['openai/gpt-4.1']);
  expect((await models.resolve('openai/gpt-4.1')).handle).toBe('openai/gpt-4.1');
});

it('accepts any model of a provider that never listed one', async () => {
  const empty = await openai({ models: [] });
  const models = createModelRegistry({ openai: endpoint(DEAD), vllm: { apiKey: null, baseUrl: empty.url } });

  expect(await models.list()).toEqual([]);
  expect(await models.resolve('openai/gpt-4.1')).toMatchObject({ contextWindow: 1_047_576 });
  expect((await models.resolve('vllm/anything/at-all')).name).toBe('anything/at-all');
});

it('gives up on a list that takes too long, and says so', async () => {
  const slow = keep(await startFakeServer(() => new Promise(() => undefined)));
  const log = { warn: jest.fn() };
  const models = createModelRegistry({ openai: endpoint(slow.origin) }, { listingTimeoutMs: 100, log });

  expect(await models.list()).toEqual([]);
  expect(log.warn.mock.calls).toEqual([[{ provider: 'openai' }, expect.stringMatching(/^The models of OpenAI-compatible endpoint are not listed: .*in time/)]]); // prettier-ignore
});

it('survives a list of another shape', async () => {
  const odd = keep(
    await startFakeServer(({ res }) => {
      sendJson(res, 200, { data: [{ id: 'good-model' }, { name: 'no id' }, null, 'x'] });
    }),
  );
  const odder = keep(
    await startFakeServer(({ res }) => {
      sendJson(res, 200, 'not json');
    }),
  );
  const models = createModelRegistry({ vllm: { apiKey: null, baseUrl: odd.origin }, ollama: { apiKey: null, baseUrl: odder.origin } }); // prettier-ignore

  expect((await models.list()).map((model) => model.handle)).toEqual(['vllm/good-model']);
});

it('gives a client for a model the provider no longer lists, and none for a provider that is gone', async () => {
  const server = await openai({ models: ['gpt-4.1'] });
  const models = createModelRegistry({ openai: endpoint(server.url) });

  const { client, info } = await models.client('openai-proxy/gpt-4o');
  const { reply } = await call(client, modelRequest({ model: info.name }));

  expect(info.handle).toBe('openai/gpt-4o');
  expect(reply.parts).toMatchObject([{ text: 'Hello! I am the fake model and you said: Hi' }]);
  expect(await failure(models.client('anthropic/claude-x'))).toMatchObject({ code: 'MODEL_NOT_FOUND' });
});

it('lists OpenAI’s embedding models, behind a proxy too', async () => {
  const models = createModelRegistry({ openai: endpoint('http://user:pass@127.0.0.1:9/v1'), ollama: { apiKey: null, baseUrl: DEAD } }); // prettier-ignore

  expect(
    (await models.listEmbeddings()).map((model) => [model.handle, model.dimensions, model.endpoint]),
  ).toEqual([
    ['openai/text-embedding-ada-002', 1536, 'http://127.0.0.1:9/v1'],
    ['openai/text-embedding-3-small', 1536, 'http://127.0.0.1:9/v1'],
    ['openai/text-embedding-3-large', 3072, 'http://127.0.0.1:9/v1'],
  ]);
  expect((await models.resolveEmbedding('openai/text-embedding-3-large')).dimensions).toBe(3072);
  expect(await failure(models.resolveEmbedding('openai/nope'))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect(await failure(models.resolveEmbedding('nope'))).toMatchObject({ code: 'INVALID_ARGUMENT' });
});

it('offers the demo model exactly when no provider is configured', async () => {
  const models = createModelRegistry({ openai: { apiKey: null, baseUrl: null }, anthropic: null });

  expect(await models.list()).toMatchObject([
    { handle: 'everturn/demo', displayName: expect.stringMatching(/demo/i) as string },
  ]);
  expect((await models.resolve('everturn/demo')).handle).toBe('everturn/demo');
  expect((await models.client('everturn/demo')).info.handle).toBe('everturn/demo');
  expect(await models.listEmbeddings()).toEqual([]);
  expect(await failure(models.resolve('openai/gpt-4.1'))).toMatchObject({
    code: 'NOT_FOUND',
    message: "Handle openai/gpt-4.1 not found, must be one of ['everturn/demo']",
  });
});

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error('it did not become true within 5 s');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
