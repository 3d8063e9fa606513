import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { AppError } from './domain/errors';

// The only reader of the environment. Every variable is named here, in .env.example and in the README.

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const flag = z
  .stringFormat('flag', /^(true|false|1|0)$/i, 'is neither "true" nor "false"; write one of them')
  .transform((value) => /^(true|1)$/i.test(value));
const url = (protocol: RegExp, example: string) =>
  z.url({ protocol, error: `is not a URL of the form ${example}; correct it or remove it` });
const httpUrl = url(/^https?$/, 'http://127.0.0.1:11434');
const text = z.string();
const count = (min: number, max: number, unit: string) =>
  z
    .stringFormat(
      'count',
      (value) => /^\d{1,7}$/.test(value) && Number(value) >= min && Number(value) <= max,
      {
        error: `is not a whole number of ${unit} from ${min} to ${max}`,
      },
    )
    .transform(Number);

const Env = z.object({
  PORT: z
    .stringFormat('port', (value) => /^\d{1,5}$/.test(value) && Number(value) <= 65_535, {
      error: 'is not a port number; write a number from 0 to 65535, where 0 takes any free port',
    })
    .transform(Number)
    .default(8283),
  HOST: text.default('127.0.0.1'),
  EVERTURN_HOME: text.default('.everturn'),
  EVERTURN_ROLES: z
    .enum(['all', 'api', 'worker'], { error: 'is not one of all, api, worker' })
    .default('all'),
  EVERTURN_PASSWORD: text.optional(),
  LETTA_SERVER_PASSWORD: text.optional(),
  EVERTURN_ALLOW_UNPROTECTED: flag.default(false),
  DATABASE_URL: url(/^postgres(ql)?$/, 'postgresql://user:password@host:5432/database').optional(),
  TEMPORAL_ADDRESS: z
    .stringFormat('address', /^[^\s/]+:\d{1,5}$/, 'is not of the form host:port, for example 127.0.0.1:7233')
    .optional(),
  TEMPORAL_NAMESPACE: text.default('default'),
  TEMPORAL_TASK_QUEUE: text.default('everturn'),
  TEMPORAL_DEPLOYMENT_NAME: text.default('everturn'),
  TEMPORAL_BUILD_ID: text.optional(),
  TEMPORAL_API_KEY: text.optional(),
  TEMPORAL_TLS: flag.optional(),
  TEMPORAL_TLS_CLIENT_CERT_PATH: text.optional(),
  TEMPORAL_TLS_CLIENT_KEY_PATH: text.optional(),
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: text.optional(),
  TEMPORAL_TLS_SERVER_NAME: text.optional(),
  TEMPORAL_CLI_PATH: text.optional(),
  OPENAI_API_KEY: text.optional(),
  OPENAI_BASE_URL: httpUrl.optional(),
  OPENAI_API_BASE: httpUrl.optional(),
  OPENAI_BACKGROUND: flag.default(false),
  ANTHROPIC_API_KEY: text.optional(),
  ANTHROPIC_BASE_URL: httpUrl.optional(),
  GEMINI_API_KEY: text.optional(),
  GEMINI_BASE_URL: httpUrl.optional(),
  OPENROUTER_API_KEY: text.optional(),
  OPENROUTER_BASE_URL: httpUrl.optional(),
  OLLAMA_BASE_URL: httpUrl.optional(),
  LMSTUDIO_BASE_URL: httpUrl.optional(),
  VLLM_API_BASE: httpUrl.optional(),
  EMBEDDINGS_BASE_URL: httpUrl.optional(),
  EMBEDDINGS_API_KEY: text.optional(),
  EMBEDDINGS_MODEL: text.optional(),
  EXA_API_KEY: text.optional(),
  TOOL_SANDBOX: z
    .enum(['landlock', 'bwrap', 'none'], { error: 'is not one of landlock, bwrap, none' })
    .default('landlock'),
  TOOL_NETWORK: flag.default(false),
  TOOL_SANDBOX_TIMEOUT: count(1, 590, 'seconds').default(180),
  TOOL_MEMORY_MB: count(64, 1_048_576, 'megabytes').default(1024),
  TOOL_PYTHON: text.optional(),
  PIP_INDEX_URL: text.optional(),
  PIP_EXTRA_INDEX_URL: text.optional(),
  PIP_FIND_LINKS: text.optional(),
  PIP_CERT: text.optional(),
  HTTPS_PROXY: text.optional(),
  NPM_CONFIG_REGISTRY: httpUrl.optional(),
  MCP_DISABLE_STDIO: flag.default(true),
  MCP_EXECUTE_TOOL_TIMEOUT: count(1, 480, 'seconds').default(60),
  EVERTURN_MCP_PRIVATE_ADDRESSES: flag.default(false),
  EVERTURN_PUBLIC_URL: httpUrl.optional(),
  LOG_LEVEL: z
    .string()
    .toLowerCase()
    .pipe(z.enum(LOG_LEVELS, { error: `is not one of ${LOG_LEVELS.join(', ')}` }))
    .default('info'),
  PATH: text.default('/usr/local/bin:/usr/bin:/bin'),
  XDG_CACHE_HOME: text.default(path.join(os.homedir(), '.cache')),
});
type Env = z.infer<typeof Env>;

/** One model provider as configured. It is in use when `apiKey` or `baseUrl` is set. */
export interface ProviderConfig {
  readonly apiKey: string | null;
  readonly baseUrl: string | null;
}
export type ProviderName = 'openai' | 'anthropic' | 'gemini' | 'openrouter' | 'ollama' | 'lmstudio' | 'vllm';
export type ProvidersConfig = Readonly<Record<ProviderName, ProviderConfig>>;

/** Files for a Temporal that wants TLS; all null means TLS with the system's certificates. */
export interface TemporalTls {
  readonly clientCertPath: string | null;
  readonly clientKeyPath: string | null;
  readonly serverCaCertPath: string | null;
  readonly serverName: string | null;
}

export interface TemporalConfig {
  /** null starts the embedded Temporal server. */
  readonly address: string | null;
  readonly namespace: string;
  readonly taskQueue: string;
  /** The worker deployment version that a worker announces; null takes part in no versioning. */
  readonly deployment: { readonly name: string; readonly buildId: string } | null;
  readonly apiKey: string | null;
  /** null speaks plain text. */
  readonly tls: TemporalTls | null;
  readonly cliPath: string | null;
}

/** How tools run that are stored as source code. */
export interface ToolsConfig {
  readonly sandbox: 'landlock' | 'bwrap' | 'none';
  /** Whether tools that do not say so themselves reach public web servers. */
  readonly network: boolean;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** The Python of tools; null finds one. */
  readonly python: string | null;
  /** What pip finds in its environment when it installs a tool's packages. */
  readonly pipEnvironment: Readonly<Record<string, string>>;
  /** Likewise for npm, which also reads the `.npmrc` of the server's user. */
  readonly npmEnvironment: Readonly<Record<string, string>>;
}

/** What servers of the Model Context Protocol may be, and how long a call of theirs may take. */
export interface McpSettings {
  readonly allowsStdio: boolean;
  readonly allowsPrivate: boolean;
  readonly callMs: number;
}

/** Any server that speaks OpenAI's /embeddings. A null `model` takes the first one it lists. */
export interface EmbeddingsConfig {
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly model: string | null;
}

export interface Config {
  readonly roles: 'all' | 'api' | 'worker';
  readonly api: { readonly port: number; readonly host: string; readonly password: string | null };
  /** A null `url` starts the embedded Postgres. */
  readonly database: { readonly url: string | null };
  readonly temporal: TemporalConfig;
  /** Absolute path of the data folder. */
  readonly home: string;
  /** Downloads that all data folders of this user share. */
  readonly cacheFolder: string;
  /** Folders in which programs are looked for. */
  readonly searchPath: readonly string[];
  readonly providers: ProvidersConfig;
  /** Whether replies go on at OpenAI while nobody listens, where an agent does not say. */
  readonly openAiBackground: boolean;
  /** A server of its own for embeddings. */
  readonly embeddings: EmbeddingsConfig | null;
  readonly exaApiKey: string | null;
  readonly tools: ToolsConfig;
  readonly mcp: McpSettings;
  /** Where browsers reach the API, if not where requests say. */
  readonly publicUrl: string | null;
  readonly logLevel: LogLevel;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The process environment over the `.env` file of `folder`: a real variable always wins over the file. */
export function readEnvironment(folder: string = process.cwd()): NodeJS.ProcessEnv {
  const file = path.join(folder, '.env');
  if (!fs.existsSync(file)) return { ...process.env };
  try {
    return { ...parseEnv(fs.readFileSync(file, 'utf8')), ...process.env };
  } catch (error) {
    throw new AppError('INVALID_ARGUMENT', `${file} can't be read; correct its permissions or remove it.`, {
      cause: error,
    });
  }
}

/** The whole configuration, validated. Throws one AppError that names every wrong variable and the way out. */
export function loadConfig(env: Environment): Config {
  const set = Object.entries(env).flatMap(([name, value]) =>
    value?.trim() ? [[name, value.trim()] as const] : [],
  );
  const parsed = Env.safeParse(Object.fromEntries(set));
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}.`);
    throw new AppError('INVALID_ARGUMENT', problems.join('\n'));
  }
  const problems = contradictions(parsed.data);
  if (problems.length > 0) throw new AppError('INVALID_ARGUMENT', problems.join('\n'));
  return toConfig(parsed.data);
}

/** Whether `host` can be reached from this machine only. */
const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);

function contradictions(env: Env): string[] {
  const problems: string[] = [];
  const isOpen = passwordOf(env) === null && !isLoopback(env.HOST) && !env.EVERTURN_ALLOW_UNPROTECTED;
  if (isOpen && env.EVERTURN_ROLES !== 'worker') {
    problems.push(
      `HOST=${env.HOST} lets other machines in and no password is set. Set EVERTURN_PASSWORD, or HOST=127.0.0.1, ` +
        'or, if something in front of Everturn protects it, EVERTURN_ALLOW_UNPROTECTED=true.',
    );
  }
  if (Boolean(env.TEMPORAL_TLS_CLIENT_CERT_PATH) !== Boolean(env.TEMPORAL_TLS_CLIENT_KEY_PATH)) {
    problems.push(
      'TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH belong together; set both or neither.',
    );
  }
  if (
    env.EMBEDDINGS_BASE_URL === undefined &&
    (env.EMBEDDINGS_API_KEY ?? env.EMBEDDINGS_MODEL) !== undefined
  ) {
    problems.push(
      'EMBEDDINGS_API_KEY and EMBEDDINGS_MODEL belong to EMBEDDINGS_BASE_URL; set that too, or remove them.',
    );
  }
  return problems;
}

const passwordOf = (env: Env): string | null => env.EVERTURN_PASSWORD ?? env.LETTA_SERVER_PASSWORD ?? null;

function toConfig(env: Env): Config {
  return {
    roles: env.EVERTURN_ROLES,
    api: { port: env.PORT, host: env.HOST, password: passwordOf(env) },
    database: { url: env.DATABASE_URL ?? null },
    temporal: {
      address: env.TEMPORAL_ADDRESS ?? null,
      namespace: env.TEMPORAL_NAMESPACE,
      taskQueue: env.TEMPORAL_TASK_QUEUE,
      deployment: env.TEMPORAL_BUILD_ID
        ? { name: env.TEMPORAL_DEPLOYMENT_NAME, buildId: env.TEMPORAL_BUILD_ID }
        : null,
      apiKey: env.TEMPORAL_API_KEY ?? null,
      tls: toTls(env),
      cliPath: env.TEMPORAL_CLI_PATH ?? null,
    },
    home: path.resolve(env.EVERTURN_HOME),
    cacheFolder: path.resolve(env.XDG_CACHE_HOME, 'everturn'),
    searchPath: env.PATH.split(path.delimiter).filter((folder) => path.isAbsolute(folder)),
    providers: toProviders(env),
    openAiBackground: env.OPENAI_BACKGROUND,
    embeddings: toEmbeddings(env),
    exaApiKey: env.EXA_API_KEY ?? null,
    tools: toTools(env),
    mcp: {
      allowsStdio: !env.MCP_DISABLE_STDIO,
      allowsPrivate: env.EVERTURN_MCP_PRIVATE_ADDRESSES,
      callMs: env.MCP_EXECUTE_TOOL_TIMEOUT * 1000,
    },
    publicUrl: env.EVERTURN_PUBLIC_URL ?? null,
    logLevel: env.LOG_LEVEL,
  };
}

function toTools(env: Env): ToolsConfig {
  const { PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, PIP_CERT, HTTPS_PROXY } = env;
  const forPip = { PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, PIP_CERT, HTTPS_PROXY };
  return {
    sandbox: env.TOOL_SANDBOX,
    network: env.TOOL_NETWORK,
    timeoutMs: env.TOOL_SANDBOX_TIMEOUT * 1_000,
    memoryBytes: env.TOOL_MEMORY_MB * 2 ** 20,
    python: env.TOOL_PYTHON ?? null,
    pipEnvironment: withoutUnset(forPip),
    npmEnvironment: withoutUnset({ NPM_CONFIG_REGISTRY: env.NPM_CONFIG_REGISTRY, HTTPS_PROXY }),
  };
}

const withoutUnset = (variables: Environment): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );

function toProviders(env: Env): ProvidersConfig {
  const provider = (apiKey: string | undefined, baseUrl: string | undefined): ProviderConfig => ({
    apiKey: apiKey ?? null,
    baseUrl: baseUrl ?? null,
  });
  return {
    openai: provider(env.OPENAI_API_KEY, env.OPENAI_BASE_URL ?? env.OPENAI_API_BASE),
    anthropic: provider(env.ANTHROPIC_API_KEY, env.ANTHROPIC_BASE_URL),
    gemini: provider(env.GEMINI_API_KEY, env.GEMINI_BASE_URL),
    openrouter: provider(env.OPENROUTER_API_KEY, env.OPENROUTER_BASE_URL),
    ollama: provider(undefined, env.OLLAMA_BASE_URL),
    lmstudio: provider(undefined, env.LMSTUDIO_BASE_URL),
    vllm: provider(undefined, env.VLLM_API_BASE),
  };
}

function toEmbeddings(env: Env): EmbeddingsConfig | null {
  if (env.EMBEDDINGS_BASE_URL === undefined) return null;
  return {
    baseUrl: env.EMBEDDINGS_BASE_URL,
    apiKey: env.EMBEDDINGS_API_KEY ?? null,
    model: env.EMBEDDINGS_MODEL ?? null,
  };
}

/** TLS is on when asked for, when one of its files is named, or when an API key must not travel in plain text. */
function toTls(env: Env): TemporalTls | null {
  const tls: TemporalTls = {
    clientCertPath: env.TEMPORAL_TLS_CLIENT_CERT_PATH ?? null,
    clientKeyPath: env.TEMPORAL_TLS_CLIENT_KEY_PATH ?? null,
    serverCaCertPath: env.TEMPORAL_TLS_SERVER_CA_CERT_PATH ?? null,
    serverName: env.TEMPORAL_TLS_SERVER_NAME ?? null,
  };
  const isImplied = env.TEMPORAL_API_KEY !== undefined || Object.values(tls).some((value) => value !== null);
  return (env.TEMPORAL_TLS ?? isImplied) ? tls : null;
}
