import type { StoredProvider, StoredProviders } from '../../../domain/provider';
import { broughtProvider, type ProviderConfig } from '../../../llm/providers';
import { createEmbedder } from '../../../llm/embeddings/embedder';
import { createModelRegistry } from '../../../llm/registry';
import { type FakeOpenAi, startFakeOpenAI } from '../../support/fake-openai';
import { call, failure } from './calls';
import { modelRequest } from './requests';

const row = (more: Partial<StoredProvider> = {}): StoredProvider => ({
  id: 'provider-1',
  name: 'mine',
  providerType: 'openai',
  apiKey: 'sk-user',
  baseUrl: null,
  accessKey: null,
  region: null,
  apiVersion: null,
  version: 1,
  updatedAt: new Date(0),
  lastSynced: null,
  ...more,
});

describe('a provider that a user brought', () => {
  it.each([
    ['openai', 'https://api.openai.com/v1', 'openai'],
    ['anthropic', 'https://api.anthropic.com/v1', 'anthropic'],
    ['google_ai', 'https://generativelanguage.googleapis.com/v1beta', 'google'],
    ['deepseek', 'https://api.deepseek.com/v1', 'openai'],
  ] as const)('of type %s is called at %s', (providerType, baseUrl, dialect) => {
    expect(broughtProvider(row({ providerType }), {})).toMatchObject({
      name: 'mine',
      type: providerType,
      category: 'byok',
      apiKey: 'sk-user',
      isOriginal: true,
      baseUrl,
      dialect,
    });
  });

  it("without an address is where the server's own of its type is", () => {
    const config: ProviderConfig = { openai: { apiKey: 'sk-own', baseUrl: 'http://proxy:1/' } };

    const provider = broughtProvider(row(), config);

    expect(provider).toMatchObject({ apiKey: 'sk-user', baseUrl: 'http://proxy:1/v1', isOriginal: false });
    expect(broughtProvider(row({ baseUrl: 'http://other:2' }), config).baseUrl).toBe('http://other:2/v1');
  });

  it('wants a key where its maker does, and a type that has a client', () => {
    const brought = (more: Partial<StoredProvider>) => () => broughtProvider(row(more), {});

    expect(brought({ apiKey: null })).toThrow('OpenAI wants a key');
    expect(brought({ providerType: 'bedrock' })).toThrow("no client for providers of type 'bedrock'");
    expect(brought({ providerType: 'ollama', apiKey: null })()).toMatchObject({ apiKey: null });
    expect(brought({ baseUrl: 'http://local:1/v1', apiKey: null })()).toMatchObject({ apiKey: null });
  });
});

describe('the models of providers that users brought', () => {
  let own: FakeOpenAi;
  let theirs: FakeOpenAi;
  let rows: StoredProvider[] = [];
  const lookUps: string[] = [];
  const stored: StoredProviders = {
    list: () => Promise.resolve(rows),
    byName: (name) => {
      lookUps.push(name);
      return Promise.resolve(rows.find((one) => one.name === name) ?? null);
    },
  };
  beforeAll(async () => {
    [own, theirs] = await Promise.all([startFakeOpenAI({ models: ['gpt-4.1'] }), startFakeOpenAI({ models: ['gpt-4o'] })]); // prettier-ignore
  });
  afterAll(() => Promise.all([own.close(), theirs.close()]));
  beforeEach(() => {
    lookUps.length = 0;
  });
  const registry = (config: ProviderConfig = { openai: { apiKey: 'sk-own', baseUrl: own.url } }) =>
    createModelRegistry(config, { stored });
  const handlesOf = async (models: ReturnType<typeof registry>) =>
    (await models.list()).map(({ handle }) => handle);

  it('are called with the key and the address of the row as it is now', async () => {
    const models = registry();
    rows = [row({ baseUrl: theirs.url })];
    const say = async () =>
      call((await models.client('mine/gpt-4o')).client, modelRequest({ model: 'gpt-4o' }));
    const first = (await models.client('mine/gpt-4o')).client;

    await say();
    expect((await models.client('mine/gpt-4o')).client).toBe(first);
    rows = [row({ baseUrl: theirs.url, apiKey: 'sk-next', version: 2 })];
    await say();

    expect(theirs.requests.map(({ authorization }) => authorization)).toEqual([
      'Bearer sk-user',
      'Bearer sk-next',
    ]);
    rows = [];
    expect(await failure(models.client('mine/gpt-4o'))).toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('mark what OpenAI encrypts with the version of the row whose key asked for it', async () => {
    const thinker = await startFakeOpenAI({ replies: [{ text: 'Yes', reasoning: 'Hm' }] });
    rows = [row({ baseUrl: thinker.url, version: 7 })];

    const { client } = await registry().client('mine/gpt-5.2');
    const { reply } = await call(client, modelRequest({ model: 'gpt-5.2' }));
    await thinker.close();

    const marks = reply.parts.map((part) => part.provider?.name);
    expect(marks).toContain('provider-1/7');
    expect(new Set(marks).size).toBe(1);
  });

  it("cost a look-up, those of the server's own do not, which win where names meet", async () => {
    const models = registry();
    rows = [row({ name: 'openai', baseUrl: theirs.url }), row({ id: 'provider-2', baseUrl: theirs.url })];

    expect((await models.client('openai/gpt-4.1')).info.endpoint).toBe(own.url);
    expect(lookUps).toEqual([]);
    expect((await models.resolve('mine/gpt-4o')).endpoint).toBe(theirs.url);
    expect(lookUps).toEqual(['mine']);
    expect(await handlesOf(models)).toEqual(['openai/gpt-4.1', 'mine/gpt-4o']);
  });

  it("of OpenAI's kind embed as well, with the key of the row as it is now", async () => {
    const keys = await startFakeOpenAI({ apiKey: 'sk-next' });
    rows = [row({ baseUrl: keys.url }), row({ id: 'provider-2', name: 'other', providerType: 'anthropic' })];
    const models = registry();
    const config = { openai: { apiKey: 'sk-own', baseUrl: own.url } };
    const embedder = createEmbedder(config, { stored });
    const embed = (handle: string) =>
      embedder.embed({ handle, dimensions: 1536 }, ['a'], AbortSignal.timeout(5_000));

    const listed = (await models.listEmbeddings()).map(({ handle }) => handle);
    const refused = await failure(embed('mine/text-embedding-3-small'));
    rows = [row({ baseUrl: keys.url, apiKey: 'sk-next', version: 2 })];
    const [vector] = await embed('mine/text-embedding-3-small');
    rows = [];
    const gone = await failure(embed('mine/text-embedding-3-small'));
    await keys.close();

    expect(listed.filter((handle) => !handle.startsWith('openai/'))).toEqual([
      'mine/text-embedding-ada-002',
      'mine/text-embedding-3-small',
      'mine/text-embedding-3-large',
    ]);
    expect(refused).toMatchObject({ code: 'MODEL_AUTHENTICATION' });
    expect(vector).toHaveLength(1536);
    expect(gone).toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  it('stand beside the demo model where the server has none of its own', async () => {
    rows = [row({ baseUrl: theirs.url })];

    expect(await handlesOf(registry({}))).toEqual(['everturn/demo', 'mine/gpt-4o']);
  });

  it('of a type that has no client are not listed, and their calls say so', async () => {
    rows = [row({ providerType: 'azure' })];
    const models = registry();

    expect(await handlesOf(models)).toEqual(['openai/gpt-4.1']);
    expect(await failure(models.client('mine/gpt-4o'))).toMatchObject({
      code: 'MODEL_BAD_REQUEST',
      message: expect.stringContaining("no client for providers of type 'azure'"),
    });
  });
});
