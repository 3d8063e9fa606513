import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadConfig, readEnvironment, type EmbeddingsConfig } from '../../config';
import { insertArchive } from '../../db/archives/archives';
import { cachedEmbedder } from '../../db/vectors/embedding-cache';
import { insertPassages } from '../../db/archives/passages';
import { createPgvectors, preparePgvector } from '../../db/vectors/pgvector';
import { createPassageSearch } from '../../db/search/search-passages';
import { createVectorCache } from '../../db/vectors/vector-cache';
import type { VectorIndex } from '../../db/vectors/vector-table';
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

// Recall and latency of the search over archives: npm run bench:memory [sizes]. With EMBEDDINGS_BASE_URL set, real vectors;
// without, those of a deterministic fake. With pgvector in the data folder, that too.

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
    for (const size of sizes.length > 0 ? sizes : SIZES) await measureSize(pool, server, size);
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

async function measureSize(pool: Pool, server: EmbeddingsConfig, size: number): Promise<void> {
  const model = await createOwnEmbeddingModel(server)();
  if (!model) throw new Error(`${server.baseUrl} gives no embeddings`);
  const embedder = cachedEmbedder(pool, createEmbedder({}, { own: toEmbeddingServer(server) }));
  const facts = makeFacts(size);
  const began = performance.now();
  const vectors = await embedder.embed(model, facts.map(({ text }) => text), new AbortController().signal); // prettier-ignore
  const seconds = (performance.now() - began) / 1000;
  const withVectors = await fill(pool, model, facts, vectors);
  const wordsAlone = await fill(pool, null, facts, vectors);
  await pool.query('analyze passages');
  const questions = makeQuestions(size, QUESTIONS_OF_A_KIND);

  print(
    `\n${size} passages, ${model.handle} (${model.dimensions} numbers), embedded in ${seconds.toFixed(1)} s\n`,
  );
  print('| vectors | questions | text @5 / @10 | vector @5 / @10 | hybrid @5 / @10 | p50 ms | p95 ms |');
  print('|---|---|---|---|---|---|---|');
  const stores: [string, VectorIndex, { archiveId: string; ids: readonly string[] }][] = [
    ['none', createVectorCache(pool), wordsAlone],
    ['memory', createVectorCache(pool), withVectors],
  ];
  if (await preparePgvector(pool))
    stores.push(['pgvector', createPgvectors(pool, console.error), withVectors]);
  for (const [name, store, { archiveId, ids }] of stores) {
    const search = createPassageSearch({ pool, embedder, vectors: store, onFailure: console.error });
    for (const kind of ['words', 'meaning', 'code', 'all'] as const) {
      const asked = questions.filter((question: Question) => kind === 'all' || question.kind === kind);
      printRow(name, kind, await measure(search, archiveId, { questions: asked, ids }));
    }
  }
}

async function fill(
  pool: Pool,
  model: EmbeddingModelInfo | null,
  facts: ReturnType<typeof makeFacts>,
  vectors: readonly Float32Array[],
): Promise<{ archiveId: string; ids: readonly string[] }> {
  const { id: archiveId } = await insertArchive(pool, {
    id: newId('archive'),
    name: 'bench',
    description: null,
    metadata: null,
    embedding: model?.handle ?? null,
    embeddingConfig: model && { embedding_dim: model.dimensions },
  });
  const passages = facts.map((fact, n) => {
    const vector = vectors[n];
    return {
      passage: { id: newId('passage'), ...fact, metadata: {}, createdAt: null },
      embedding: model && vector ? { model: model.handle, vector } : null,
    };
  });
  for (let from = 0; from < passages.length; from += 1_000)
    await insertPassages(pool, archiveId, passages.slice(from, from + 1_000));
  return { archiveId, ids: passages.map(({ passage }) => passage.id) };
}

function printRow(store: string, kind: string, { text, vector, hybrid, p50, p95 }: Measured): void {
  const pair = ({ at5, at10 }: Measured['text']) => `${at5.toFixed(2)} / ${at10.toFixed(2)}`;
  const cells = [store, kind, pair(text), pair(vector), pair(hybrid), p50.toFixed(1), p95.toFixed(1)];
  print(`| ${cells.join(' | ')} |`);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

void main().then(() => process.exit(0));
