import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig, readEnvironment, type EmbeddingsConfig } from '../../config';
import { insertArchive } from '../../db/archives/archives';
import { insertPassages } from '../../db/archives/passages';
import { createPgvectors, preparePgvector } from '../../db/vectors/pgvector';
import { createPassageSearch } from '../../db/search/search-passages';
import { createVectorCache } from '../../db/vectors/vector-cache';
import { PASSAGES, type VectorIndex } from '../../db/vectors/vector-table';
import type { Embedder } from '../../domain/embedder';
import { migrate } from '../../db/migrate';
import { createPool, type Pool } from '../../db/pool';
import type { EmbeddingModelInfo } from '../../domain/model';
import { createEmbedder } from '../../llm/embeddings/embedder';
import { createOwnEmbeddingModel, toEmbeddingServer } from '../../llm/embeddings/own-models';
import { newId } from '../../new-id';
import { prepareEmbeddedPostgres } from '../../runtime/embedded-postgres';
import { freePort } from '../../runtime/free-port';
import { pgvectorFolder } from '../../runtime/pgvector';
import { ProcessGuard } from '../../runtime/processes/process-guard';
import { makeFacts, makeQuestions, type Question } from './facts';
import { measure, type Measured } from './measure';
import { fileCachedEmbedder } from './vector-file';

// Recall and latency of the search over archives: npm run bench:memory [sizes]. With EMBEDDINGS_BASE_URL set, real vectors, which
// are kept in the user's cache folder (a run that is stopped goes on from there); without, those of a deterministic fake. With
// pgvector in the data folder, that too. Times do not include the embedding of the question.

const SIZES = [1_000, 10_000];
const QUESTIONS_OF_A_KIND = 50;

async function main(): Promise<void> {
  const sizes = process.argv.slice(2).map(Number);
  const { embeddings, home, cacheFolder } = loadConfig(readEnvironment());
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-bench-memory-'));
  if (fs.existsSync(pgvectorFolder(home)))
    fs.cpSync(pgvectorFolder(home), pgvectorFolder(work), { recursive: true });
  const guard = new ProcessGuard(work);
  const postgres = prepareEmbeddedPostgres({ home: work, cacheFolder, port: await freePort(), guard });
  const launched = await postgres.start(new AbortController().signal);
  const server = embeddings ?? (await startFake());
  try {
    await migrate(postgres.url);
    const pool = createPool(postgres.url, { max: 10, onError: () => undefined });
    const folder = path.join(cacheFolder, 'bench-memory');
    for (const size of sizes.length > 0 ? sizes : SIZES) await measureSize(pool, server, { size, folder });
    await pool.end();
  } finally {
    launched.kill('SIGQUIT');
    await launched.exited;
    guard.close();
    fs.rmSync(work, { recursive: true, force: true });
  }
}

async function startFake(): Promise<EmbeddingsConfig> {
  const child = fork(path.join(__dirname, 'embedding-server.js'));
  const [{ url }] = (await once(child, 'message')) as [{ readonly url: string }];
  child.unref();
  child.channel?.unref();
  return { baseUrl: url, apiKey: null, model: 'meaning' };
}

async function measureSize(
  pool: Pool,
  server: EmbeddingsConfig,
  { size, folder }: { readonly size: number; readonly folder: string },
): Promise<void> {
  const model = await createOwnEmbeddingModel(server)();
  if (!model) throw new Error(`${server.baseUrl} gives no embeddings`);
  const facts = makeFacts(size);
  const questions = makeQuestions(size, QUESTIONS_OF_A_KIND);
  const vectors = await embedAll(server, model, { folder, texts: [...facts, ...questions].map(({ text }) => text) }); // prettier-ignore
  const embedder: Embedder = {
    embed: (_target, texts) => Promise.resolve(texts.map((text) => vectors.get(text) ?? new Float32Array())),
  };
  const { archiveId, ids } = await fill(pool, model, facts, vectors);
  await pool.query('vacuum analyze passages');
  const stores: [string, VectorIndex][] = [['memory', createVectorCache(pool)]];
  if (await preparePgvector(pool)) stores.push(['pgvector', await indexedPgvectors(pool, archiveId, model)]);

  print(`\n${size} passages, ${model.handle} (${model.dimensions} numbers), ${questions.length} questions. ${await sizes(pool, size, model)}\n`); // prettier-ignore
  print('| vectors | questions | text @5 / @10 | vector @5 / @10 | hybrid @5 / @10 | text p50, p95 ms | vector | hybrid |'); // prettier-ignore
  print('|---|---|---|---|---|---|---|---|');
  for (const [name, store] of stores) {
    const search = createPassageSearch({ pool, embedder, vectors: store, onFailure: console.error });
    for (const kind of ['words', 'meaning', 'code', 'all'] as const) {
      const asked = questions.filter((question: Question) => kind === 'all' || question.kind === kind);
      const measured: Measured[] = [];
      for (const mode of ['text', 'vector', 'hybrid'] as const)
        measured.push(await measure(search, mode, { archiveId, questions: asked, ids }));
      printRow(name, kind, measured);
    }
  }
  await pool.query('delete from archives where id = $1', [archiveId]);
}

/** The vectors of all texts, from the file of an earlier run as far as it has them. */
async function embedAll(
  server: EmbeddingsConfig,
  model: EmbeddingModelInfo,
  { folder, texts }: { readonly folder: string; readonly texts: readonly string[] },
): Promise<ReadonlyMap<string, Float32Array>> {
  const began = performance.now();
  const own = toEmbeddingServer(server);
  const embedder = fileCachedEmbedder(createEmbedder({}, { own, timeoutMs: 300_000 }), folder, (done, of) => {
    const seconds = (performance.now() - began) / 1000;
    process.stderr.write(`${done} of ${of} embedded, ${(done / seconds).toFixed(0)}/s\n`);
  });
  const vectors = await embedder.embed(model, texts, new AbortController().signal);
  return new Map(texts.map((text, place) => [text, vectors[place] ?? new Float32Array()]));
}

/** pgvector with its copies made and its index, where there are enough of them, finished. */
async function indexedPgvectors(
  pool: Pool,
  archiveId: string,
  model: EmbeddingModelInfo,
): Promise<VectorIndex> {
  const store = createPgvectors(pool, console.error);
  const scope = { table: PASSAGES, owner: archiveId, model: model.handle, dimensions: model.dimensions };
  await store.nearest(scope, new Float32Array(model.dimensions).fill(1), { limit: 1, among: null });
  // It is begun beside the search.
  const isMade = async () => {
    const { rows } = await pool.query<{ waiting: boolean }>(
      `select exists (select from pg_stat_progress_create_index) or exists (select from pg_index where not indisvalid) as waiting`,
    );
    return rows[0]?.waiting === false;
  };
  do await sleep(500);
  while (!(await isMade()));
  await pool.query('vacuum analyze passage_vectors');
  return store;
}

async function sizes(pool: Pool, size: number, model: EmbeddingModelInfo): Promise<string> {
  const { rows } = await pool.query<{ words: number; copies: number | null; near: number | null }>(
    `select pg_relation_size('passages_words') as words, pg_table_size(to_regclass('passage_vectors')) as copies,
            pg_relation_size(to_regclass('passage_vectors_near_' || $1)) as near`,
    [model.dimensions],
  );
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  const { words = 0, copies = null, near = null } = rows[0] ?? {};
  return [
    `Words (GIN) ${mb(words)}`,
    `vectors in memory ${mb(size * model.dimensions * 4)}`,
    copies === null ? 'no pgvector' : `pgvector ${mb(copies)}`,
    near === null ? 'no HNSW' : `HNSW ${mb(near)}`,
  ].join(', ');
}

async function fill(
  pool: Pool,
  model: EmbeddingModelInfo,
  facts: ReturnType<typeof makeFacts>,
  vectors: ReadonlyMap<string, Float32Array>,
): Promise<{ archiveId: string; ids: readonly string[] }> {
  const { id: archiveId } = await insertArchive(pool, {
    id: newId('archive'),
    name: 'bench',
    description: null,
    metadata: null,
    embedding: model.handle,
    embeddingConfig: { embedding_dim: model.dimensions },
  });
  const passages = facts.map((fact) => {
    const vector = vectors.get(fact.text);
    return {
      passage: { id: newId('passage'), ...fact, metadata: {}, createdAt: null },
      embedding: vector ? { model: model.handle, vector } : null,
    };
  });
  for (let from = 0; from < passages.length; from += 1_000)
    await insertPassages(pool, archiveId, passages.slice(from, from + 1_000));
  return { archiveId, ids: passages.map(({ passage }) => passage.id) };
}

function printRow(store: string, kind: string, measured: readonly Measured[]): void {
  const recalls = measured.map(({ at5, at10 }) => `${at5.toFixed(2)} / ${at10.toFixed(2)}`);
  const times = measured.map(({ p50, p95 }) => `${p50.toFixed(0)}, ${p95.toFixed(0)}`);
  print(`| ${[store, kind, ...recalls, ...times].join(' | ')} |`);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

void main().then(() => process.exit(0));
