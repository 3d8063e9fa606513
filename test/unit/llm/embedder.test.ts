import { createEmbedder } from '../../../llm/embeddings/embedder';
import { createOwnEmbeddingModel, toEmbeddingServer } from '../../../llm/embeddings/own-models';
import { startFakeEmbeddings, type FakeEmbeddings } from '../../support/fake-embeddings';
import { sendJson, startFakeServer, type FakeServer } from '../../support/fake-server';

let fake: FakeEmbeddings;
let server: FakeServer | undefined;
beforeAll(async () => {
  fake = await startFakeEmbeddings({ dimensions: 8 });
});
afterAll(() => fake.close());
afterEach(async () => {
  fake.trouble(null);
  await server?.close();
  server = undefined;
});

const { signal } = new AbortController();
const target = { handle: 'openai/tiny', dimensions: 8 };
const embedderAt = (baseUrl: string) => createEmbedder({ openai: { apiKey: 'sk-secret', baseUrl } });

/** A server that answers each request as told; keeps what it was asked. */
async function answering(answer: (texts: string[], n: number) => { status: number; body: unknown }) {
  const asked: string[][] = [];
  server = await startFakeServer(({ raw, res }) => {
    const { input } = JSON.parse(raw.toString()) as { input: string[] };
    asked.push(input);
    const { status, body } = answer(input, asked.length - 1);
    sendJson(res, status, body);
  });
  return { asked, embedder: embedderAt(server.origin) };
}
const vectors = (texts: readonly string[]) => ({
  status: 200,
  body: { data: texts.map((_text, index) => ({ index, embedding: [index, 1] })).reverse() },
});
const refusal = (status: number) => ({ status, body: { error: { message: `no (sk-secret)`, type: 'x' } } });

it('asks for many texts in few requests and returns their vectors in order', async () => {
  const { asked, embedder } = await answering(vectors);
  const texts = Array.from({ length: 130 }, (_, n) => `text ${n}`);

  const found = await embedder.embed({ handle: 'openai/m', dimensions: 2 }, texts, signal);

  expect(asked.map((batch) => batch.length)).toEqual([64, 64, 2]);
  expect(found.map(([first]) => first)).toEqual(texts.map((_, n) => n % 64));
});

it('asks again what a server that is busy did not answer, three times at most', async () => {
  const { asked, embedder } = await answering((texts, n) => (n < 2 ? refusal(503) : vectors(texts)));

  await expect(embedder.embed({ handle: 'openai/m', dimensions: 2 }, ['a'], signal)).resolves.toHaveLength(1);
  expect(asked).toHaveLength(3);

  fake.trouble({ status: 500 });
  await expect(embedderAt(fake.url).embed(target, ['b'], signal)).rejects.toMatchObject({
    code: 'MODEL_UNAVAILABLE',
  });
  expect(fake.timesAsked('b')).toBe(3);
});

it('does not ask again with a key that is refused, and never shows the key', async () => {
  const { asked, embedder } = await answering(() => refusal(401));

  const failed = await embedder.embed(target, ['a'], signal).catch((error: unknown) => error as Error);

  expect(asked).toHaveLength(1);
  expect(failed).toMatchObject({ code: 'MODEL_AUTHENTICATION' });
  expect(String(failed)).not.toContain('sk-secret');
});

it('cuts a text that the model finds too long until it is not, and leaves the others whole', async () => {
  const { asked, embedder } = await answering((texts) =>
    texts.some((text) => text.length > 3000) ? refusal(400) : vectors(texts),
  );

  const found = await embedder.embed(
    { handle: 'openai/m', dimensions: 2 },
    ['short', '😀'.repeat(600_000)],
    signal,
  );

  expect(found).toHaveLength(2);
  expect(asked.at(-1)!.join('')).toHaveLength(2000);
  expect(asked.flat().filter((text) => text.length === 8000)).not.toEqual([]);
});

it.each([
  ['numbers that are none', { data: [{ index: 0, embedding: [1, 'NaN'] }] }, 'MODEL_BAD_REQUEST'],
  ['too few vectors', { data: [] }, 'MODEL_INVALID_RESPONSE'],
  ['a vector of another size', { data: [{ index: 0, embedding: [1, 2, 3] }] }, 'MODEL_BAD_REQUEST'],
])('refuses %s', async (_what, body, code) => {
  const { embedder } = await answering(() => ({ status: 200, body }));

  await expect(embedder.embed({ handle: 'openai/m', dimensions: 2 }, ['a'], signal)).rejects.toMatchObject({
    code,
  });
});

it('refuses an answer with NaN in it, which is no JSON', async () => {
  const { embedder } = await answering(() => ({
    status: 200,
    body: '{"data":[{"index":0,"embedding":[NaN,1]}]}',
  }));

  await expect(embedder.embed({ handle: 'openai/m', dimensions: 2 }, ['a'], signal)).rejects.toMatchObject({
    code: expect.stringMatching(/^MODEL_/),
  });
});

it('says that a provider is not configured', async () => {
  await expect(createEmbedder({}).embed(target, ['a'], signal)).rejects.toMatchObject({
    code: 'MODEL_NOT_FOUND',
  });
});

it('finds out model and dimension of a server of its own, and asks again while it is away', async () => {
  const config = { baseUrl: fake.url, apiKey: null, model: null };
  const find = createOwnEmbeddingModel(config);
  const embedder = createEmbedder({}, { own: toEmbeddingServer(config) });

  expect(await find()).toMatchObject({ handle: 'embeddings/meaning', dimensions: 8, providerType: 'openai' });
  await expect(
    embedder.embed({ handle: 'embeddings/meaning', dimensions: 8 }, ['a'], signal),
  ).resolves.toHaveLength(1);

  fake.trouble({ status: 500 });
  expect(await createOwnEmbeddingModel({ ...config, model: 'x' })()).toBeNull();
});
