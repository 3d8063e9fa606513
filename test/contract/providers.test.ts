import Letta from '@letta-ai/letta-client';
import { createStoredProviders } from '../../db/providers';
import { createModelRegistry, type Models } from '../../llm/registry';
import { type FakeOpenAi, startFakeOpenAI } from '../support/fake-openai';
import { sendJson, startFakeServer } from '../support/fake-server';
import { startTestApi, type TestApi } from '../support/test-api';

type Json = Readonly<Record<string, any>>; // eslint-disable-line @typescript-eslint/no-explicit-any

const KEY = 'sk-user-key-1234567890';
const ABSENT = 'provider-00000000-0000-4000-8000-000000000000';

/** Where nobody listens. */
let dead: string;
let own: FakeOpenAi;
let theirs: FakeOpenAi;
let api: TestApi;
/** Another process over the same database. */
let elsewhere: Models;

beforeAll(async () => {
  const closed = await startFakeServer(() => undefined);
  dead = `${closed.origin}/v1`;
  await closed.close();
  own = await startFakeOpenAI({ models: ['gpt-4.1'] });
  theirs = await startFakeOpenAI({ models: ['gpt-4.1', 'gpt-5-mini'], apiKey: KEY });
  const config = { openai: { apiKey: 'sk-own', baseUrl: own.url } };
  api = await startTestApi((db) => {
    const stored = createStoredProviders(db);
    elsewhere = createModelRegistry(config, { stored });
    const models = createModelRegistry(config, { stored });
    return { models, providers: models.providers, modelClient: (handle) => models.client(handle) };
  });
});
afterAll(async () => {
  await api.close();
  await Promise.all([own.close(), theirs.close()]);
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any
async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> {
  const answer = await api.call(method, `/v1/${path}`, { body });
  return { status: answer.status, body: answer.body };
}
let names = 0;
const fields = (more: Json = {}) => ({
  name: `mine-${names++}`,
  provider_type: 'openai',
  api_key: KEY,
  base_url: theirs.url,
  ...more,
});
async function create(more: Json = {}): Promise<Json> {
  const answer = await call('POST', 'providers/', fields(more));
  expect(answer.status).toBe(200);
  return answer.body as Json;
}
const at = ({ id }: Json, rest = '') => `providers/${String(id)}${rest}`;
const handles = async (query = ''): Promise<string[]> =>
  (await call('GET', `models/${query}`)).body.map(({ handle }: Json) => String(handle));

describe('a provider', () => {
  it('is created, read, changed and deleted in the form of the original, without its keys', async () => {
    const created = await create({ name: 'work', access_key: 'AK', region: 'eu', api_version: '' });

    expect(created).toEqual({
      id: expect.stringMatching(/^provider-/),
      name: 'work',
      provider_type: 'openai',
      provider_category: 'byok',
      api_key: null,
      base_url: theirs.url,
      access_key: null,
      region: 'eu',
      api_version: null,
      organization_id: 'org-00000000-0000-4000-8000-000000000000',
      updated_at: expect.stringMatching(/^20.*Z$/),
      last_synced: expect.stringMatching(/^20.*Z$/),
      api_key_enc: '[secret]',
      access_key_enc: '[secret]',
    });
    expect((await call('GET', at(created))).body).toEqual(created);

    const changed = await call('PATCH', at(created), { api_key: ' sk-other ', region: 'us', access_key: '' });
    expect(changed).toEqual({
      status: 200,
      body: { ...created, region: 'us', access_key_enc: null, updated_at: expect.any(String) },
    });
    expect(await stored('work')).toMatchObject({ apiKey: 'sk-other', region: 'us', accessKey: null });

    const kept = await call('PATCH', at(created), { api_key: '[secret]', base_url: dead, region: null });
    expect(kept.body).toMatchObject({ base_url: dead, region: 'us' });
    expect(await stored('work')).toMatchObject({ apiKey: 'sk-other' });

    const deleted = await call('DELETE', at(created));
    expect(deleted.body).toEqual({ message: `Provider id=${String(created['id'])} successfully deleted` });
    for (const [method, rest] of [['GET', ''], ['DELETE', ''], ['POST', '/check'], ['PATCH', '/refresh']] as const) {
      expect((await call(method, at(created, rest))).status).toBe(404);
    } // prettier-ignore
    expect((await call('PATCH', at(created), { api_key: 'x' })).status).toBe(404);
  });

  it('has a name of its own; the same request again changes nothing', async () => {
    const body = fields({ name: 'twice' });
    const first = await call('POST', 'providers', body);

    const again = await call('POST', 'providers', body);
    const other = await call('POST', 'providers', { ...body, api_key: 'sk-another' });

    expect(again.body).toMatchObject({ id: first.body.id });
    expect(other.status).toBe(409);
    expect(other.body.detail).toContain("'twice'");
    expect(await stored('twice')).toMatchObject({ apiKey: KEY, version: 1 });
    for (const name of ['openai', 'openai-proxy', 'everturn']) {
      const taken = await call('POST', 'providers', fields({ name }));
      expect(taken).toMatchObject({ status: 400, body: { detail: expect.stringContaining(`'${name}'`) } });
    }
  });

  it('refuses what it could not call, and says no key in doing so', async () => {
    const wrong: readonly Json[] = [
      { provider_type: 'nonesuch' },
      { name: '' },
      { name: 'a/b' },
      { name: ' a' },
      { name: 'x'.repeat(201) },
      { name: 7 },
      { api_key: null },
      { api_key: { key: 'sk-inner-secret' } },
      { api_key: 'sk-inner-secret\nX-Other: 1' },
      { api_key: 'sk-inner-secret-ключ' },
      { base_url: 'nowhere' },
      { base_url: 'file:///etc/passwd' },
      { base_url: 'http://user:sk-inner-secret@127.0.0.1/v1' },
      { base_url: 'http://127.0.0.1/v1?key=1' },
      { region: 5 },
    ];
    for (const more of wrong) {
      const answer = await api.call('POST', '/v1/providers/', { body: fields({ name: 'bad', ...more }) });
      expect([more, answer.status]).toEqual([more, 422]);
      expect(answer.text).not.toMatch(/sk-inner-secret|sk-user-key/);
    }
    for (const body of ['"sk-inner-secret"', ['sk-inner-secret'], null, {}]) {
      const answer = await api.call('POST', '/v1/providers/', { body });
      expect(answer.status).toBe(422);
      expect(answer.text).not.toContain('sk-inner-secret');
    }
    const nul = await call('POST', 'providers/', fields({ name: 'a\u0000b' }));
    expect([400, 422]).toContain(nul.status);

    const bedrock = await call('POST', 'providers', fields({ provider_type: 'bedrock' }));
    const keyless = await call('POST', 'providers', fields({ provider_type: 'anthropic', api_key: '', base_url: '' })); // prettier-ignore
    expect(bedrock).toMatchObject({ status: 400, body: { detail: expect.stringContaining("'bedrock'") } });
    expect(keyless).toMatchObject({ status: 400, body: { detail: expect.stringContaining('api_key') } });
    expect((await call('PATCH', `providers/${ABSENT}`, {})).status).toBe(422);
    expect((await call('GET', 'providers/nonsense')).status).toBe(422);
    expect((await call('GET', 'providers/?provider_type=nonesuch')).status).toBe(422);
    expect(await handles('?provider_name=bad')).toEqual([]);
  });

  it('is stored also while it does not answer, and shows the address that is called', async () => {
    const silent = await create({ base_url: dead });
    const plain = await create({ base_url: undefined });

    expect(silent).toMatchObject({ base_url: dead, last_synced: null });
    expect(plain).toMatchObject({ base_url: own.url });
  });

  it('is found by name and type, in pages, by the unmodified SDK as well', async () => {
    const [one, two, three] = [await create(), await create(), await create({ provider_type: 'vllm' })];
    const ids = async (query: string): Promise<string[]> =>
      (await call('GET', `providers/?${query}`)).body.map(({ id }: Json) => String(id));

    expect((await ids('limit=3')).slice(0, 3)).toEqual([three['id'], two['id'], one['id']]);
    expect(await ids(`limit=1&after=${String(three['id'])}`)).toEqual([two['id']]);
    expect(await ids(`order=asc&limit=1&after=${String(two['id'])}`)).toEqual([three['id']]);
    expect(await ids(`name=${String(two['name'])}`)).toEqual([two['id']]);
    expect(await ids('provider_type=vllm')).toEqual([three['id']]);
    expect(await ids(`after=${ABSENT}&provider_type=vllm`)).toEqual([three['id']]);

    const sdk = new Letta({ baseURL: api.url, apiKey: 'none', maxRetries: 0 });
    const models = await sdk.models.list({ provider_category: ['byok'], provider_name: String(two['name']) });
    expect(models.map(({ handle }) => handle)).toEqual(
      ['gpt-4.1', 'gpt-5-mini'].map((name) => `${String(two['name'])}/${name}`),
    );
  });
});

describe('the models of a provider', () => {
  it('are listed by category, name and type, and can be given to agents', async () => {
    const { name } = await create({ provider_type: 'openrouter' });
    const models = ['gpt-4.1', 'gpt-5-mini'].map((model) => `${String(name)}/${model}`);

    expect(await handles('?provider_category=base')).toEqual(['openai/gpt-4.1']);
    expect(await handles('?provider_category=byok&provider_type=openrouter')).toEqual(models);
    expect(await handles(`?provider_name=${String(name)}`)).toEqual(models);
    expect(await handles(`?provider_name=${String(name)}&provider_category=base`)).toEqual([]);
    expect(await handles()).toEqual(expect.arrayContaining(['openai/gpt-4.1', ...models]));

    const agent = await call('POST', 'agents/', { model: models[0] });
    expect(agent.body).toMatchObject({
      model: models[0],
      llm_config: {
        handle: models[0],
        model: 'gpt-4.1',
        model_endpoint: theirs.url,
        model_endpoint_type: 'openrouter',
        provider_name: name,
        provider_category: 'byok',
      },
    });
    const unknown = await call('POST', 'agents/', { model: `${String(name)}/nonesuch` });
    expect(unknown.status).toBe(404);
  });

  it('are summarized by a light model of the same provider, not by one of the server', async () => {
    const { name } = await create();

    const agent = await call('POST', 'agents/', { model: `${String(name)}/gpt-4.1` });

    expect(agent.body.compaction_settings.model).toBe(`${String(name)}/gpt-5-mini`);
  });

  it('are known to every process at once, and gone with the provider', async () => {
    const { id, name } = await create();
    const handle = `${String(name)}/gpt-4.1`;

    expect((await elsewhere.client(handle)).info).toMatchObject({ handle, providerCategory: 'byok' });
    expect((await elsewhere.list()).map((model) => model.handle)).toContain(handle);

    await call('DELETE', `providers/${String(id)}`);
    await expect(elsewhere.client(handle)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining(`no provider '${String(name)}'`),
    });
    await expect(elsewhere.resolve(handle)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await elsewhere.list()).map((model) => model.handle)).not.toContain(handle);
    expect((await call('POST', 'agents/', { model: handle })).status).toBe(404);
  });

  it('are read anew on request, for every process', async () => {
    const models = ['gpt-4.1'];
    const growing = await startFakeOpenAI({ models });
    const provider = await create({ base_url: growing.url });
    const query = `?provider_name=${String(provider['name'])}`;
    const later = `${String(provider['name'])}/gpt-4o`;
    expect(await handles(query)).toHaveLength(1);
    expect((await elsewhere.list()).map(({ handle }) => handle)).not.toContain(later);

    models.push('gpt-4o');
    const refreshed = await call('PATCH', at(provider, '/refresh'));

    expect(refreshed.status).toBe(200);
    expect(Date.parse(refreshed.body.last_synced)).toBeGreaterThan(Date.parse(provider['last_synced']));
    expect(await handles(query)).toContain(later);
    expect((await elsewhere.list()).map(({ handle }) => handle)).toContain(later);
    await growing.close();
    const failed = await call('PATCH', at(provider, '/refresh'));
    expect(failed).toMatchObject({ status: 200, body: { last_synced: refreshed.body.last_synced } });
    expect(await handles(query)).toContain(later);
  });
});

describe('a check', () => {
  const check = (more: Json = {}) => {
    const { name: _, ...body } = fields(more);
    return call('POST', 'providers/check', body);
  };

  it('asks the provider for its models with the key, before and after it is stored', async () => {
    const provider = await create();
    const before = theirs.listings;

    const answers = [await check(), await call('POST', at(provider, '/check'))];

    for (const answer of answers) {
      expect(answer).toEqual({ status: 200, body: { message: 'Valid api key for provider_type=openai' } });
    }
    expect(theirs.listings).toBe(before + 2);
  });

  it('tells a wrong key from a server that is not there or is none', async () => {
    const page = await startFakeServer(({ res }) => void res.end('<html>'));
    const absent = await startFakeServer(({ res }) => sendJson(res, 404, { error: { message: 'no' } }));
    const wrongKey = await check({ api_key: 'sk-wrong-key-987654321' });
    const silent = await check({ base_url: dead });

    expect(wrongKey).toEqual({
      status: 401,
      body: {
        error: {
          type: 'llm_authentication',
          message: 'Authentication failed with the LLM model provider.',
          detail: expect.not.stringContaining('sk-wrong-key'),
        },
      },
    });
    expect(silent).toMatchObject({
      status: 500,
      body: { error: { type: 'llm_error', detail: expect.stringContaining('ECONNREFUSED') } },
    });
    for (const { origin } of [page, absent]) {
      expect(await check({ base_url: origin })).toMatchObject({
        status: 500,
        body: { error: { type: 'llm_error', detail: expect.stringContaining('has no list of models') } },
      });
    }
    await Promise.all([page.close(), absent.close()]);
    const stale = await create({ api_key: 'sk-wrong-key-987654321' });
    expect((await call('POST', at(stale, '/check'))).status).toBe(401);
    expect((await check({ provider_type: 'bedrock' })).status).toBe(400);
    expect((await check({ provider_type: 'nonesuch' })).status).toBe(422);
  });
});

async function stored(name: string) {
  return createStoredProviders(api.db).byName(name);
}
