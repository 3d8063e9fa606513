import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadConfig, readEnvironment } from '../../config';

const problem = (env: Record<string, string>): string => {
  try {
    loadConfig(env);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the configuration was accepted');
};

it('needs nothing: the defaults serve this machine only and embed Postgres and Temporal', () => {
  expect(loadConfig({})).toMatchObject({
    roles: 'all',
    api: { port: 8283, host: '127.0.0.1', password: null },
    database: { url: null },
    temporal: {
      address: null,
      namespace: 'default',
      taskQueue: 'everturn',
      deployment: null,
      apiKey: null,
      tls: null,
      cliPath: null,
    },
    home: path.resolve('.everturn'),
    exaApiKey: null,
    logLevel: 'info',
  });
});

it('takes an empty or blank variable as not set', () => {
  expect(loadConfig({ PORT: '', DATABASE_URL: ' ', OPENAI_API_KEY: '', LOG_LEVEL: '\t' })).toEqual(
    loadConfig({}),
  );
});

it('reads the provider variables, the older names included', () => {
  const { providers } = loadConfig({
    OPENAI_API_KEY: ' sk-1 ',
    OPENAI_API_BASE: 'http://127.0.0.1:9000/v1',
    ANTHROPIC_API_KEY: 'ak',
    OLLAMA_BASE_URL: 'http://localhost:11434',
    VLLM_API_BASE: 'http://localhost:8000',
  });

  expect(providers).toMatchObject({
    openai: { apiKey: 'sk-1', baseUrl: 'http://127.0.0.1:9000/v1' },
    anthropic: { apiKey: 'ak', baseUrl: null },
    gemini: { apiKey: null, baseUrl: null },
    ollama: { apiKey: null, baseUrl: 'http://localhost:11434' },
    vllm: { apiKey: null, baseUrl: 'http://localhost:8000' },
  });
});

it('reads the server of its own for embeddings, and wants its address where its key or model is set', () => {
  const address = { EMBEDDINGS_BASE_URL: 'http://127.0.0.1:8000/v1' };

  expect(loadConfig({}).embeddings).toBeNull();
  expect(loadConfig({ ...address, EMBEDDINGS_MODEL: 'e5' }).embeddings).toEqual({
    baseUrl: 'http://127.0.0.1:8000/v1',
    apiKey: null,
    model: 'e5',
  });
  expect(problem({ EMBEDDINGS_MODEL: 'e5' })).toContain('belong to EMBEDDINGS_BASE_URL');
  expect(problem({ EMBEDDINGS_BASE_URL: 'there' })).toContain('EMBEDDINGS_BASE_URL is not a URL');
});

it('prefers OPENAI_BASE_URL over OPENAI_API_BASE', () => {
  const env = { OPENAI_BASE_URL: 'https://one.example', OPENAI_API_BASE: 'https://two.example' };

  expect(loadConfig(env).providers.openai.baseUrl).toBe('https://one.example');
});

it.each([{ EVERTURN_PASSWORD: 'one', LETTA_SERVER_PASSWORD: 'two' }, { LETTA_SERVER_PASSWORD: 'one' }])(
  'takes the password from %j',
  (env) => {
    expect(loadConfig(env).api.password).toBe('one');
  },
);

it.each(['0.0.0.0', '::', '192.168.1.7', 'example.org'])(
  'refuses to listen on %s without a password',
  (host) => {
    expect(problem({ HOST: host })).toMatch(
      /no password is set\. Set EVERTURN_PASSWORD, or HOST=127\.0\.0\.1/,
    );
  },
);

it.each([
  { HOST: '0.0.0.0', EVERTURN_PASSWORD: 'secret' },
  { HOST: '0.0.0.0', EVERTURN_ALLOW_UNPROTECTED: 'true' },
  { HOST: '0.0.0.0', EVERTURN_ROLES: 'worker' },
  { HOST: '::1' },
  { HOST: 'localhost' },
  { HOST: '127.0.0.53' },
])('accepts %j', (env) => {
  expect(loadConfig(env).api.host).toBe(env.HOST);
});

it('does not take the word "false" for true', () => {
  expect(problem({ HOST: '0.0.0.0', EVERTURN_ALLOW_UNPROTECTED: 'false' })).toContain('no password is set');
  expect(loadConfig({ TEMPORAL_API_KEY: 'key', TEMPORAL_TLS: 'false' }).temporal.tls).toBeNull();
});

it('speaks TLS to Temporal when an API key must travel, or when a file of it is named', () => {
  expect(loadConfig({ TEMPORAL_API_KEY: 'key' }).temporal.tls).not.toBeNull();
  expect(loadConfig({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/ca.pem' }).temporal.tls).toMatchObject({
    serverCaCertPath: '/ca.pem',
  });
  expect(loadConfig({ TEMPORAL_TLS: 'true' }).temporal.tls).not.toBeNull();
});

it.each([
  [
    { PORT: '80a' },
    'PORT is not a port number; write a number from 0 to 65535, where 0 takes any free port.',
  ],
  [
    { PORT: '70000' },
    'PORT is not a port number; write a number from 0 to 65535, where 0 takes any free port.',
  ],
  [
    { DATABASE_URL: 'mysql://x/y' },
    'DATABASE_URL is not a URL of the form postgresql://user:password@host:5432/database; correct it or remove it.',
  ],
  [
    { TEMPORAL_ADDRESS: 'localhost' },
    'TEMPORAL_ADDRESS is not of the form host:port, for example 127.0.0.1:7233.',
  ],
  [
    { OLLAMA_BASE_URL: 'localhost:11434' },
    'OLLAMA_BASE_URL is not a URL of the form http://127.0.0.1:11434; correct it or remove it.',
  ],
  [{ TEMPORAL_TLS: 'maybe' }, 'TEMPORAL_TLS is neither "true" nor "false"; write one of them.'],
  [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL is not one of fatal, error, warn, info, debug, trace, silent.'],
  [{ EVERTURN_ROLES: 'some' }, 'EVERTURN_ROLES is not one of all, api, worker.'],
  [
    { TEMPORAL_TLS_CLIENT_CERT_PATH: '/cert.pem' },
    'TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH belong together; set both or neither.',
  ],
])('says in one sentence what is wrong with %j', (env: Record<string, string>, sentence) => {
  expect(problem(env)).toBe(sentence);
});

it('names every wrong variable at once, and no value of any', () => {
  const said = problem({ PORT: 'x', DATABASE_URL: 'secret-value' });

  expect(said.split('\n')).toHaveLength(2);
  expect(said).not.toContain('secret-value');
});

describe('the .env file', () => {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-env-'));
  });
  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  it('adds variables and never overrides a real one', () => {
    fs.writeFileSync(path.join(folder, '.env'), 'EVERTURN_FROM_FILE="a # b"\nPATH=/from/file\n');

    const env = readEnvironment(folder);

    expect(env['EVERTURN_FROM_FILE']).toBe('a # b');
    expect(env['PATH']).toBe(process.env['PATH']);
    expect(process.env['EVERTURN_FROM_FILE']).toBeUndefined();
  });

  it('may be missing', () => {
    expect(readEnvironment(folder)).toEqual({ ...process.env });
  });
});

describe('every variable that is read, and no other, is named', () => {
  const root = path.resolve(__dirname, '..', '..');
  const namesIn = (file: string, pattern: RegExp) =>
    [...fs.readFileSync(path.join(root, file), 'utf8').matchAll(pattern)]
      .map(([, name]) => name ?? '')
      .sort();
  const notOurs = ['PATH', 'XDG_CACHE_HOME'];
  const read = namesIn('config.ts', /^ {2}([A-Z][A-Z_]+):/gm).filter((name) => !notOurs.includes(name));

  it('in .env.example', () => {
    expect(namesIn('.env.example', /^#?([A-Z][A-Z_]+)=/gm)).toEqual(read);
  });

  it('in the table of the README', () => {
    expect(namesIn('README.md', /^\| `([A-Z][A-Z_]+)` \|/gm)).toEqual(read);
  });
});

it('a build id makes the workers a version of a deployment, whose name has a default', () => {
  expect(loadConfig({ TEMPORAL_BUILD_ID: 'v7' }).temporal.deployment).toEqual({
    name: 'everturn',
    buildId: 'v7',
  });
  expect(loadConfig({ TEMPORAL_DEPLOYMENT_NAME: 'agents' }).temporal.deployment).toBeNull();
});

it('leaves MCP servers on this machine off until they are switched on', () => {
  const on = {
    MCP_DISABLE_STDIO: 'false',
    EVERTURN_MCP_PRIVATE_ADDRESSES: 'true',
    MCP_EXECUTE_TOOL_TIMEOUT: '120',
  };

  expect(loadConfig({}).mcp).toEqual({ allowsStdio: false, allowsPrivate: false, callMs: 60_000 });
  expect(loadConfig(on).mcp).toEqual({ allowsStdio: true, allowsPrivate: true, callMs: 120_000 });
  expect(problem({ MCP_EXECUTE_TOOL_TIMEOUT: '0' })).toContain(
    'MCP_EXECUTE_TOOL_TIMEOUT is not a whole number of seconds',
  );
  expect(problem({ MCP_EXECUTE_TOOL_TIMEOUT: '481' })).toContain('from 1 to 480');
});
