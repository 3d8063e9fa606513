import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { createApp } from '../../api/app';
import type { ApiDeps } from '../../api/deps';
import { createRunWatcher } from '../../api/run-watcher';
import type { Pool } from '../../db/pool';
import { AppError } from '../../domain/errors';
import type { ModelClient, ModelDirectory, ModelInfo } from '../../domain/model';
import type { TurnInput } from '../../domain/turn';
import { createModelRegistry } from '../../llm/registry';
import { previewMemory } from '../../tools/preview-memory';
import { createSourceLanguages } from '../../tools/source-languages';
import { testPython } from './python-language';
import { noMcpServers } from './no-mcp-servers';
import { createTestDatabase } from './stack';
import { testArchives } from './archives';
import { turnsThat } from './turns-double';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
}

export interface CallOptions {
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The API on a port of its own, over a database of its own. Turns are recorded and never run. */
export interface TestApi {
  readonly url: string;
  readonly db: Pool;
  readonly startedTurns: readonly TurnInput[];
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

type Overrides = Partial<ApiDeps>;

export async function startTestApi(overrides: Overrides | ((db: Pool) => Overrides) = {}): Promise<TestApi> {
  const database = await createTestDatabase();
  const startedTurns: TurnInput[] = [];
  const deps: ApiDeps = {
    db: database.pool,
    models: MODELS,
    providers: createModelRegistry({}).providers,
    modelClient: () => Promise.reject(new AppError('NOT_FOUND', 'There is no model in this test.')),
    deriveSchema: createSourceLanguages({ python: testPython(), typescript: null }).deriveSchema,
    previewMemory,
    mcp: noMcpServers,
    readPdf: () => Promise.reject(new AppError('UNSUPPORTED_MEDIA_TYPE', 'No PDF is read in this test.')),
    watcher: createRunWatcher(),
    log: pino({ level: 'silent' }),
    password: null,
    turns: turnsThat({ start: (turn) => Promise.resolve(void startedTurns.push(turn)) }),
    ...testArchives(database.pool),
    ...(typeof overrides === 'function' ? overrides(database.pool) : overrides),
  };
  const server = createApp(deps).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    db: database.pool,
    startedTurns,
    call: (method, path, options) => call(url + path, method, options),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await database.drop();
    },
  };
}

async function call(url: string, method: string, { body, headers }: CallOptions = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : null };
}

const GPT: ModelInfo = {
  handle: 'openai/gpt-4.1',
  name: 'gpt-4.1',
  displayName: 'gpt-4.1',
  providerName: 'openai',
  providerType: 'openai',
  providerCategory: 'base',
  endpoint: 'https://api.openai.com/v1',
  contextWindow: 1_047_576,
  maxOutputTokens: 32_768,
  isReasoning: false,
};

export const MODELS: ModelDirectory = {
  list: () => Promise.resolve([GPT]),
  listEmbeddings: () => Promise.resolve([]),
  resolve: (handle) => (handle === GPT.handle ? Promise.resolve(GPT) : Promise.reject(unknownHandle(handle))),
  resolveEmbedding: (handle) => Promise.reject(unknownHandle(handle)),
  defaultEmbedding: () => Promise.resolve(null),
};

/** The models that are listed, each answered for by the client made for its handle. */
export const answeredBy =
  (clientOf: (handle: string) => ModelClient): ApiDeps['modelClient'] =>
  async (handle) => ({ info: await MODELS.resolve(handle), client: clientOf(handle) });

const unknownHandle = (handle: string): AppError =>
  handle.includes('/')
    ? new AppError('NOT_FOUND', `Handle ${handle} not found, must be one of ['${GPT.handle}']`)
    : new AppError('INVALID_ARGUMENT', `The handle "${handle}" has no provider; write it as provider/model.`);
