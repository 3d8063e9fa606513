import Letta, { toFile } from '@letta-ai/letta-client';
import { fillEmbeddings } from '../../db/vectors/fill-embeddings';
import { createEmbedder } from '../../llm/embeddings/embedder';
import { createPdfReader } from '../../tools/pdf/pdf-reader';
import { compileThreads } from '../support/compiled-threads';
import { type CrudApi, startCrudApi } from '../support/crud-api';
import { pdfOf } from '../support/pdf';
import { startFakeEmbeddings, type FakeEmbeddings } from '../support/fake-embeddings';

type Json = Readonly<Record<string, any>>; // eslint-disable-line @typescript-eslint/no-explicit-any
let fake: FakeEmbeddings;
let api: CrudApi;
let client: Letta;
const threads = compileThreads();
const embedder = () => createEmbedder({ openai: { apiKey: 'sk-test', baseUrl: fake.url } });
beforeAll(async () => {
  fake = await startFakeEmbeddings();
  const readPdf = createPdfReader({ entry: threads.entry('read-pdf-thread') });
  api = await startCrudApi({}, { embedder: embedder() }, { readPdf });
  client = new Letta({ baseURL: api.baseUrl, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await api.stop();
  await fake.close();
  threads.close();
});

const embedding = 'openai/text-embedding-3-small';
const ABSENT = '00000000-0000-4000-8000-000000000000';
let count = 0;
const create = async (fields: Json = {}): Promise<Json> =>
  (await api.call('POST', '/v1/folders/', { name: `folder ${count++}`, ...fields })).body;
const path = (folder: Json, rest = '') => `/v1/folders/${String(folder['id'])}${rest}`;

interface Given {
  readonly name?: string;
  readonly type?: string;
  readonly query?: string;
  readonly base?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
async function upload(folder: Json, content: string | Uint8Array<ArrayBuffer>, given: Given = {}) {
  const { name = 'notes.md', type = 'application/octet-stream', query = '', base = '/v1/folders', headers = {} } = given; // prettier-ignore
  const form = new FormData();
  form.append('file', new Blob([content], { type }), name);
  const response = await fetch(`${api.baseUrl}${base}/${String(folder['id'])}/upload${query}`, {
    method: 'POST',
    body: form,
    headers,
  });
  return {
    status: response.status,
    result: response.headers.get('x-upload-result'),
    body: (await response.json()) as Json,
  };
}
const namesIn = async (folder: Json): Promise<string[]> =>
  (await api.call('GET', path(folder, '/files?order=asc'))).body.map((file: Json) => file['file_name']);
const fill = () =>
  fillEmbeddings(
    {
      pool: api.database.pool,
      embedder: embedder(),
      onFailure: (error) => {
        throw error;
      },
    },
    null,
    AbortSignal.timeout(10_000),
  );

describe('a folder', () => {
  it('is created, read, listed, changed and deleted in the form of the original', async () => {
    const created = await create({
      name: 'manuals',
      description: 'd',
      instructions: 'i',
      metadata: { a: 1 },
      embedding,
    });

    expect(created).toEqual({
      name: 'manuals',
      description: 'd',
      instructions: 'i',
      metadata: { a: 1 },
      id: expect.stringMatching(/^source-/),
      embedding_config: expect.objectContaining({ handle: embedding }),
      organization_id: 'org-00000000-0000-4000-8000-000000000000',
      created_by_id: 'user-00000000-0000-4000-8000-000000000000',
      last_updated_by_id: 'user-00000000-0000-4000-8000-000000000000',
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    expect((await api.call('GET', path(created))).body).toEqual(created);
    expect((await api.call('GET', '/v1/folders/?name=manuals')).body).toEqual([created]);
    expect((await api.call('GET', '/v1/folders/name/manuals')).body).toBe(created['id']);
    expect((await api.call('GET', '/v1/folders/count')).body).toBe(1);

    const changed = await api.call('PATCH', path(created), { name: 'guides', instructions: null });
    expect(changed.body).toEqual({ ...created, name: 'guides', updated_at: changed.body.updated_at });

    expect(await api.call('DELETE', path(created))).toEqual({ status: 200, body: null });
    for (const [method, at] of [['GET', ''], ['DELETE', ''], ['PATCH', ''], ['GET', '/files'], ['GET', '/agents'], ['GET', '/passages']] as const) {
      expect((await api.call(method, path(created, at), method === 'PATCH' ? {} : undefined)).status).toBe(404);
    } // prettier-ignore
  });

  it('has a name of its own, and is listed in pages, oldest first', async () => {
    const folders = [await create(), await create(), await create()];
    const names = folders.map((folder) => String(folder['name']));
    const page = async (query: string) =>
      (await api.call('GET', `/v1/folders/?limit=2&${query}`)).body.map((folder: Json) => folder['name']);

    expect(await page(`after=${String(folders[0]?.['id'])}`)).toEqual(names.slice(1));
    expect(await page('order=desc')).toEqual([names[2], names[1]]);
    expect(await api.call('POST', '/v1/folders/', { name: names[0] })).toMatchObject({ status: 409 });
    expect(await api.call('PATCH', path(folders[1] ?? {}), { name: names[0] })).toMatchObject({
      status: 409,
    });
  });

  it('refuses what it can not hold, and stores nothing of it', async () => {
    const before = (await api.call('GET', '/v1/folders/count')).body;
    const refused: readonly (readonly [Json, number])[] = [
      [{}, 422],
      [{ name: 5 }, 422],
      [{ name: '' }, 400],
      [{ name: 'a/b' }, 400],
      [{ name: 'a\u0000' }, 422],
      [{ name: 'm', metadata: [] }, 422],
      [{ name: 'm', embedding: 'openai/nope' }, 400],
    ];
    for (const [body, status] of refused) {
      expect([body, (await api.call('POST', '/v1/folders/', body)).status]).toEqual([body, status]);
    }

    expect((await api.call('GET', '/v1/folders/source-nope')).status).toBe(422);
    expect((await api.call('GET', `/v1/folders/source-${ABSENT}`)).status).toBe(404);
    expect((await api.call('GET', '/v1/folders/name/nobody')).status).toBe(404);
    expect((await api.call('GET', '/v1/folders/name/%00')).status).toBe(422);
    expect((await api.call('GET', '/v1/folders/?limit=x')).status).toBe(422);
    expect((await api.call('GET', '/v1/folders/count')).body).toBe(before);
  });
});

describe('a file', () => {
  it('is uploaded, read, listed and deleted by the unmodified SDK', async () => {
    const folder = await client.folders.create({ name: 'sdk', embedding });
    const text = '# Title\n\nWhat the file says, in ümlauts.\n';

    const file = await client.folders.files.upload(folder.id, {
      file: await toFile(Buffer.from(text), 'größe.md'),
    });
    const listed: Json[] = [];
    for await (const one of client.folders.files.list(folder.id)) listed.push(one);
    const whole = await client.folders.files.retrieve(file.id, {
      folder_id: folder.id,
      include_content: true,
    });
    const folders: Json[] = [];
    for await (const one of client.folders.list({ name: 'sdk' })) folders.push(one);

    expect(file).toEqual({
      source_id: folder.id,
      file_name: 'größe.md',
      original_file_name: 'größe.md',
      file_path: null,
      file_type: 'text/markdown',
      file_size: Buffer.byteLength(text),
      file_creation_date: null,
      file_last_modified_date: null,
      processing_status: 'embedding',
      error_message: null,
      total_chunks: 1,
      chunks_embedded: 0,
      content: null,
      id: expect.stringMatching(/^file-/),
      organization_id: 'org-00000000-0000-4000-8000-000000000000',
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    expect(listed).toEqual([file]);
    expect(whole).toEqual({ ...file, content: text });
    expect(folders).toMatchObject([{ id: folder.id }]);
    expect((await client.folders.retrieve(folder.id)).name).toBe('sdk');
    expect((await client.folders.update(folder.id, { description: 'x' })).description).toBe('x');
    expect(await client.folders.agents.list(folder.id)).toEqual([]);
    await client.folders.files.delete(file.id, { folder_id: folder.id });
    await expect(client.folders.files.retrieve(file.id, { folder_id: folder.id })).rejects.toMatchObject({
      status: 404,
    });
    await client.folders.delete(folder.id);
  });

  it('is completed when its passages have their vectors, which come after the upload and survive any death', async () => {
    const folder = await create({ embedding });
    const lines = Array.from({ length: 200 }, (_, n) => `Line ${n + 1} of a long file about subject ${n}.`);

    const { body: file } = await upload(folder, lines.join('\n'), { name: 'long.txt' });
    const at = path(folder, `/files/${String(file['id'])}`);
    while (await fill());
    const done = (await api.call('GET', at)).body;
    const passages = (await api.call('GET', path(folder, '/passages?order=asc'))).body as Json[];

    expect(file).toMatchObject({ processing_status: 'embedding', chunks_embedded: 0 });
    expect(done).toMatchObject({ processing_status: 'completed', error_message: null });
    expect(done.chunks_embedded).toBe(done.total_chunks);
    expect(passages.map((passage) => passage['text']).join('\n')).toBe(lines.join('\n'));
    expect(passages).toHaveLength(done.total_chunks);
    expect(passages[0]).toMatchObject({
      id: expect.stringMatching(/^passage-/),
      archive_id: null,
      source_id: folder['id'],
      file_id: file['id'],
      file_name: `${String(folder['name'])}/long.txt`,
      metadata: { first_line: 1 },
      tags: [],
      embedding_config: { handle: embedding },
    });
    expect(passages[0]?.['embedding']).toHaveLength(1536);
  });

  it('of a folder without an embedding model is completed at once', async () => {
    const { body } = await upload(await create(), 'a line');

    expect(body).toMatchObject({ processing_status: 'completed', total_chunks: 1, chunks_embedded: 0 });
  });

  it('that its folder has already gets a suffix, is refused, skipped, or replaced', async () => {
    const folder = await create();
    const first = (await upload(folder, 'one')).body;
    const put = (handling: string, content: string) =>
      upload(folder, content, { query: `?duplicate_handling=${handling}` });

    expect((await upload(folder, 'two')).body).toMatchObject({
      file_name: 'notes_(1).md',
      original_file_name: 'notes.md',
    });
    expect(await put('error', 'three')).toMatchObject({
      status: 400,
      body: {
        detail: `INVALID_ARGUMENT: File 'notes.md' already exists in folder '${String(folder['name'])}'`,
      },
    });
    expect(await put('skip', 'three')).toMatchObject({ status: 200, result: 'skipped', body: first });
    const replaced = await put('replace', 'four');
    expect(replaced.body).toMatchObject({ file_name: 'notes.md', file_size: 4 });
    expect(replaced.body['id']).not.toBe(first['id']);
    expect(await namesIn(folder)).toEqual(['notes_(1).md', 'notes.md']);
    expect((await upload(folder, 'x', { query: '?name=other.md' })).body['file_name']).toBe('other.md');
    expect((await put('nonsense', 'x')).status).toBe(422);
  });

  it('that a client sends again is stored once', async () => {
    const folder = await create();
    const key = { 'idempotency-key': 'upload-1' };

    const first = await upload(folder, 'keyed', { headers: key });
    const again = await upload(folder, 'keyed', { headers: key });
    const lost = await upload(folder, 'sent again', { name: 'b.md' });
    const resent = await upload(folder, 'sent again', {
      name: 'b.md',
      headers: { 'x-stainless-retry-count': '1' },
    });
    const other = await upload(folder, 'another text', { headers: key });
    const long = await upload(folder, 'keyed', { headers: { 'idempotency-key': 'k'.repeat(256) } });
    const sendings = [1, 2, 3].map(() =>
      upload(folder, 'x', { name: 'd.md', headers: { 'idempotency-key': 'd' } }),
    );
    const once = new Set((await Promise.all(sendings)).map(({ body }) => String(body['id'])));
    const atOnce = await Promise.all(['1', '2', '3'].map((text) => upload(folder, text, { name: 'c.md' })));

    expect(again.body).toEqual(first.body);
    expect(other.status).toBe(422);
    expect(other.body['detail']).toContain(`another request here (${String(first.body['id'])})`);
    expect(long.status).toBe(400);
    expect(once.size).toBe(1);
    expect(resent.body).toEqual(lost.body);
    expect(atOnce.map(({ body }) => String(body['file_name'])).sort()).toEqual([
      'c.md',
      'c_(1).md',
      'c_(2).md',
    ]);
    expect(await namesIn(folder)).toHaveLength(6);
  });

  it('that is no text, too large or nameless is refused with a sentence', async () => {
    const folder = await create();
    const refusals = [
      await upload(folder, 'text', { name: 'photo.png', type: 'image/png' }),
      await upload(folder, '%PDF-1.7', { name: 'paper.pdf', type: 'application/pdf' }),
      await upload(folder, pdfOf([['secret']], { isLocked: true }), { name: 'locked.pdf' }),
      await upload(folder, pdfOf([[], []]), { name: 'scan.pdf' }),
      await upload(folder, new Uint8Array([0x61, 0x00, 0x62]), { name: 'zeros.txt' }),
      await upload(folder, new Uint8Array([0xc3, 0x28]), { name: 'broken.txt' }),
      await upload(folder, 'x'.repeat(10 * 1024 * 1024 + 1), { name: 'large.txt' }),
      await upload(folder, 'x', { query: '?name=..' }),
      await upload({ id: `source-${ABSENT}` }, 'x'),
    ];
    const empty = await api.call('POST', path(folder, '/upload'), {});

    expect(refusals.map(({ status }) => status)).toEqual([415, 415, 415, 415, 415, 415, 413, 400, 404]);
    const said = refusals.slice(1, 4).map(({ body }) => String(body['detail']));
    expect(said).toEqual([
      expect.stringContaining("paper.pdf can't be read: it is broken"),
      expect.stringContaining('protected by a password'),
      expect.stringContaining('holds no text'),
    ]);
    expect(empty.status).toBe(422);
    expect(await namesIn(folder)).toEqual([]);
    const other = await upload(folder, new Uint8Array([0xff, 0xfe, 0x68, 0x00, 0x69, 0x00]), {
      name: 'wide.txt',
    });
    const read = await api.call(
      'GET',
      path(folder, `/files/${String(other.body['id'])}?include_content=true`),
    );
    expect(read.body.content).toBe('hi');
  });

  it('that is a PDF is read page by page, by its name or its type', async () => {
    const folder = await create();
    const bytes = pdfOf([['Terms of', 'the loan'], ['Signed: Ada']]);

    const named = await upload(folder, bytes, { name: 'loan.PDF' });
    const typed = await upload(folder, bytes, { name: 'loan', type: 'application/pdf' });

    expect(named.body).toMatchObject({
      file_type: 'application/pdf',
      file_size: bytes.length,
      total_chunks: 1,
    });
    expect(typed.body).toMatchObject({ file_type: 'application/pdf', file_name: 'loan' });
    const read = await api.call(
      'GET',
      path(folder, `/files/${String(named.body['id'])}?include_content=true`),
    );
    expect(read.body.content).toBe('Terms of\nthe loan\n\nSigned: Ada');
  });

  it('belongs to its folder alone, and goes with it', async () => {
    const [folder, elsewhere] = [await create({ embedding }), await create()];
    const { body: file } = await upload(folder, 'a line');
    const id = String(file['id']);

    expect((await api.call('GET', path(elsewhere, `/files/${id}`))).status).toBe(404);
    expect((await api.call('DELETE', path(elsewhere, `/${id}`))).status).toBe(404);
    expect((await api.call('GET', path(folder, '/files/file-nope'))).status).toBe(422);
    await api.call('DELETE', path(folder));
    const { rows } = await api.database.pool.query('select from file_passages where file_id = $1', [id]);
    expect(rows).toEqual([]);
  });
});

it('all folders are told in numbers, folder by folder where asked for', async () => {
  const folder = await create({ name: 'numbers' });
  await upload(folder, '12345', { name: 'b.txt' });
  await upload(folder, '123', { name: 'a.txt' });

  const brief = (await api.call('GET', '/v1/folders/metadata')).body;
  const detailed = (await api.call('GET', '/v1/folders/metadata?include_detailed_per_source_metadata=true')).body; // prettier-ignore

  expect(brief).toEqual({ ...detailed, sources: [] });
  expect(detailed.total_sources).toBe((await api.call('GET', '/v1/folders/count')).body);
  expect(detailed.sources.find((one: Json) => one['source_id'] === folder['id'])).toEqual({
    source_id: folder['id'],
    source_name: 'numbers',
    file_count: 2,
    total_size: 8,
    files: [
      { file_id: expect.any(String), file_name: 'a.txt', file_size: 3 },
      { file_id: expect.any(String), file_name: 'b.txt', file_size: 5 },
    ],
  });
});

it('another embedding model makes every passage due again', async () => {
  const folder = await create();
  const { body: file } = await upload(folder, 'a line');
  const config = { embedding_endpoint_type: 'openai', embedding_model: 'text-embedding-3-small' };

  const changed = await api.call('PATCH', path(folder), { embedding_config: config });
  const due = (await api.call('GET', path(folder, `/files/${String(file['id'])}`))).body;
  while (await fill());
  const done = (await api.call('GET', path(folder, `/files/${String(file['id'])}`))).body;

  expect(changed.body.embedding_config.handle).toBe(embedding);
  expect([due, done].map((one) => one.processing_status)).toEqual(['embedding', 'completed']);
});

it('sources are folders under their older name', async () => {
  const created = (await api.call('POST', '/v1/sources/', { name: 'older' })).body;
  const at = `/v1/sources/${String(created.id)}`;
  const { body: file } = await upload(created, 'a line', { base: '/v1/sources' });

  expect(created).toMatchObject({ name: 'older', vector_db_provider: 'native' });
  expect((await api.call('GET', at)).body).toEqual(created);
  expect((await api.call('GET', '/v1/sources/name/older')).body).toBe(created.id);
  expect((await api.call('GET', '/v1/sources/?name=older')).body).toEqual([created]);
  expect((await api.call('GET', '/v1/sources/count')).body).toBe((await api.call('GET', '/v1/folders/count')).body); // prettier-ignore
  expect((await api.call('GET', '/v1/sources/metadata')).body.total_sources).toBeGreaterThan(0);
  expect((await api.call('PATCH', at, { description: 'x' })).body.description).toBe('x');
  expect((await api.call('GET', `${at}/agents`)).body).toEqual([]);
  expect((await api.call('GET', `${at}/passages`)).body).toHaveLength(1);
  expect((await api.call('GET', `${at}/files`)).body).toEqual([file]);
  expect((await api.call('GET', `${at}/files/${String(file['id'])}`)).body).toEqual(file);
  const deleted = await fetch(`${api.baseUrl}${at}/${String(file['id'])}`, { method: 'DELETE' });
  expect(deleted.status).toBe(204);
  expect(await api.call('DELETE', at)).toEqual({ status: 200, body: null });
});
