import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from '../../api/app';
import type { ApiDeps } from '../../api/deps';
import { ensureBuiltinTools } from '../../db/tools';
import { AppError } from '../../domain/errors';
import type { EmbeddingModelInfo, ModelDirectory, ModelInfo } from '../../domain/model';
import type { BuiltinTool } from '../../domain/tool';
import { createLogger } from '../../log';
import { createSourceLanguages } from '../../tools/source-languages';
import { testPython } from './python-language';
import { noMcpServers } from './no-mcp-servers';
import { testArchives } from './archives';
import { createTestDatabase, type TestDatabase } from './stack';

/** The API on a database of its own, with a fixed list of models and tools, and no turns. */
export interface CrudApi {
  readonly baseUrl: string;
  readonly database: TestDatabase;
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  stop(): Promise<void>;
}
export interface Answer {
  readonly status: number;
  // Tests look into whatever came back; a wrong guess fails them.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

const model = (providerName: string, name: string, facts: Partial<ModelInfo> = {}): ModelInfo => ({
  handle: `${providerName}/${name}`,
  name,
  displayName: name,
  providerName,
  providerType: providerName,
  providerCategory: 'base',
  endpoint: 'http://127.0.0.1:1/v1',
  contextWindow: 128_000,
  maxOutputTokens: 16_384,
  isReasoning: false,
  ...facts,
});

export const MODELS: readonly ModelInfo[] = [
  model('openai', 'gpt-4.1', { contextWindow: 1_047_576 }),
  model('openai', 'gpt-5-mini', { contextWindow: 272_000, isReasoning: true }),
  model('anthropic', 'claude-haiku-4-5', { contextWindow: 200_000, isReasoning: true }),
  model('ollama', 'small', { contextWindow: 8_192 }),
];
const EMBEDDINGS: readonly EmbeddingModelInfo[] = [
  {
    handle: 'openai/text-embedding-3-small',
    name: 'text-embedding-3-small',
    providerName: 'openai',
    providerType: 'openai',
    endpoint: 'http://127.0.0.1:1/v1',
    dimensions: 1536,
  },
];

export const directory: ModelDirectory = {
  list: () => Promise.resolve(MODELS),
  listEmbeddings: () => Promise.resolve(EMBEDDINGS),
  resolve: (handle) => find(MODELS, handle.replace(/^openai-proxy\//, 'openai/')),
  resolveEmbedding: (handle) => find(EMBEDDINGS, handle),
  defaultEmbedding: () => Promise.resolve(null),
};

async function find<T extends { readonly handle: string }>(known: readonly T[], handle: string): Promise<T> {
  if (!handle.includes('/')) {
    throw new AppError('INVALID_ARGUMENT', 'The model handle should be in the format provider/model-name');
  }
  const found = known.find((one) => one.handle === handle);
  if (!found) throw new AppError('NOT_FOUND', `Handle ${handle} not found, must be one of []`);
  return Promise.resolve(found);
}

const tool = (name: string, toolType: string): BuiltinTool => ({
  name,
  toolType,
  description: `What ${name} does.`,
  parameters: { type: 'object', properties: {}, required: [] },
  effects: 'transactional',
  enableParallelExecution: false,
});
export const BUILTIN_TOOLS: readonly BuiltinTool[] = [
  tool('conversation_search', 'letta_core'),
  tool('memory_insert', 'letta_sleeptime_core'),
  tool('memory_replace', 'letta_sleeptime_core'),
  tool('memory_rethink', 'letta_sleeptime_core'),
  tool('run_code', 'letta_builtin'),
  tool('web_search', 'letta_builtin'),
];

/** Starts the API. `turns` stands in for the client of Temporal where a test needs one. */
export async function startCrudApi(
  turns: Partial<Record<string, unknown>> = {},
  archives: Partial<ApiDeps['archives']> = {},
  others: Partial<Pick<ApiDeps, 'readPdf'>> = {},
): Promise<CrudApi> {
  const database = await createTestDatabase();
  await ensureBuiltinTools(database.pool, BUILTIN_TOOLS);
  const deps = {
    db: database.pool,
    models: directory,
    mcp: noMcpServers,
    turns,
    ...testArchives(database.pool, archives),
    watcher: {},
    log: createLogger('silent'),
    password: null,
    deriveSchema: createSourceLanguages({ python: testPython(), typescript: null }).deriveSchema,
    ...others,
  } as unknown as ApiDeps; // these routes use neither the watcher nor the rest of the turn client
  const server = await new Promise<Server>((resolve) => {
    const listening = createApp(deps).listen(0, '127.0.0.1', () => {
      resolve(listening);
    });
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    baseUrl,
    database,
    async call(method, path, body, headers = { 'x-stainless-package-version': '1.12.1' }) {
      const response = await fetch(baseUrl + path, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { status: response.status, body: JSON.parse(await response.text()) };
    },
    async stop() {
      await new Promise((resolve) => server.close(resolve));
      await database.drop();
    },
  };
}
