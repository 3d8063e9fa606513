import { AppError } from '../domain/errors';
import type { ProviderCategory, ProviderFields } from '../domain/provider';

/** Key and address of one provider. It is configured when one of the two is there. */
export interface ProviderEndpoint {
  readonly apiKey: string | null;
  /** Null means the provider's own address. */
  readonly baseUrl: string | null;
}
export type ProviderKey =
  | 'openai'
  | 'anthropic'
  | 'gemini'
  | 'openrouter'
  | 'ollama'
  | 'lmstudio'
  | 'vllm'
  | 'groq'
  | 'together'
  | 'deepseek'
  | 'xai';
/** The providers of this installation; what is missing or null is not offered. */
export type ProviderConfig = Readonly<Partial<Record<ProviderKey, ProviderEndpoint | null>>>;

/** A configured provider with everything the adapters need. */
export interface Provider {
  /** First part of the handle. */
  readonly name: string;
  /** Letta's provider type: what kind of server it is, whatever its name. */
  readonly type: string;
  readonly category: ProviderCategory;
  /** Whose key is used, where that is not told by the type. */
  readonly account?: string;
  readonly label: string;
  readonly dialect: 'openai' | 'anthropic' | 'google';
  readonly apiKey: string | null;
  readonly baseUrl: string;
  readonly keyName: string;
  /** Whether the address is the maker's own, not a proxy or a local server. */
  readonly isOriginal: boolean;
}

type Description = Pick<Provider, 'type' | 'label' | 'dialect' | 'keyName'> & {
  readonly address: string;
  /** Whether servers of this kind commonly want no key. */
  readonly isKeyless?: boolean;
};

const openAiLike = (type: string, label: string, keyName: string, address: string): Description => ({
  type,
  label,
  keyName,
  address,
  dialect: 'openai',
});

const keyless = (description: Description): Description => ({ ...description, isKeyless: true });

const DESCRIPTIONS: Readonly<Record<ProviderKey, Description>> = {
  openai: openAiLike('openai', 'OpenAI', 'OPENAI_API_KEY', 'https://api.openai.com/v1'),
  anthropic: {
    type: 'anthropic',
    label: 'Anthropic',
    keyName: 'ANTHROPIC_API_KEY',
    address: 'https://api.anthropic.com/v1',
    dialect: 'anthropic',
  },
  gemini: {
    type: 'google_ai',
    label: 'Google Gemini',
    keyName: 'GEMINI_API_KEY',
    address: 'https://generativelanguage.googleapis.com/v1beta',
    dialect: 'google',
  },
  openrouter: openAiLike('openrouter', 'OpenRouter', 'OPENROUTER_API_KEY', 'https://openrouter.ai/api/v1'),
  ollama: keyless(openAiLike('ollama', 'Ollama', 'OLLAMA_BASE_URL', 'http://127.0.0.1:11434/v1')),
  lmstudio: keyless(
    openAiLike('lmstudio_openai', 'LM Studio', 'LMSTUDIO_BASE_URL', 'http://127.0.0.1:1234/v1'),
  ),
  vllm: keyless(openAiLike('vllm', 'vLLM', 'VLLM_API_BASE', 'http://127.0.0.1:8000/v1')),
  groq: openAiLike('groq', 'Groq', 'GROQ_API_KEY', 'https://api.groq.com/openai/v1'),
  together: openAiLike('together', 'Together', 'TOGETHER_API_KEY', 'https://api.together.xyz/v1'),
  deepseek: openAiLike('deepseek', 'DeepSeek', 'DEEPSEEK_API_KEY', 'https://api.deepseek.com/v1'),
  xai: openAiLike('xai', 'xAI', 'XAI_API_KEY', 'https://api.x.ai/v1'),
};

/** The configured providers, in the order in which their models are listed. */
export function configuredProviders(config: ProviderConfig): readonly Provider[] {
  return Object.entries(DESCRIPTIONS).flatMap(([key, description]): Provider[] => {
    const endpoint = config[key as ProviderKey]; // The table's keys are exactly these.
    if (!isConfigured(endpoint)) return [];
    const { type, keyName, dialect } = description;
    const reached = addressed(description, endpoint.baseUrl);
    return [
      { ...reached, name: type, type, keyName, dialect, category: 'base', apiKey: endpoint.apiKey || null },
    ];
  });
}

const isConfigured = (endpoint: ProviderEndpoint | null | undefined): endpoint is ProviderEndpoint =>
  Boolean(endpoint?.apiKey) || Boolean(endpoint?.baseUrl);

/**
 * A provider that a user brought. Without an address of its own it is where the environment's provider of its type is,
 * or else at its maker's. `INVALID_ARGUMENT` for a type without a client, and where a key is missing.
 */
export function broughtProvider(fields: ProviderFields, config: ProviderConfig): Provider {
  const [key, description] =
    Object.entries(DESCRIPTIONS).find(([, { type }]) => type === fields.providerType) ?? [];
  if (!description) throw noClient(fields.providerType);
  const configured = config[key as ProviderKey]; // The table's keys are exactly these.
  const { type, dialect, isKeyless = false } = description;
  const { label, baseUrl, isOriginal } = addressed(
    description,
    fields.baseUrl ?? configured?.baseUrl ?? null,
  );
  if (!fields.apiKey && isOriginal && !isKeyless) {
    throw new AppError('INVALID_ARGUMENT', `${label} wants a key: api_key must not be empty.`);
  }
  return {
    name: fields.name,
    type,
    category: 'byok',
    label: `${label} (provider ${fields.name})`,
    dialect,
    apiKey: fields.apiKey || null,
    baseUrl,
    keyName: `the api_key of provider ${fields.name}`,
    isOriginal,
  };
}

const noClient = (providerType: string): AppError =>
  new AppError(
    'INVALID_ARGUMENT',
    `This server has no client for providers of type '${providerType}'. It has clients for ` +
      `${Object.values(DESCRIPTIONS)
        .map(({ type }) => type)
        .join(', ')}; a provider with an API like OpenAI's can be ` +
      `stored as openai with its base_url.`,
  );

function addressed({ type, label, address }: Description, given: string | null) {
  const baseUrl = given ? withVersion(given, new URL(address).pathname) : address;
  const isOriginal = baseUrl === address;
  const isProxy = type === 'openai' && !isOriginal;
  return { baseUrl, isOriginal, label: isProxy ? 'OpenAI-compatible endpoint' : label };
}

/** The address without a slash at the end; a bare host gets the path of the API's version. */
function withVersion(baseUrl: string, versionPath: string): string {
  const url = baseUrl.replace(/\/+$/, '');
  return new URL(url).pathname === '/' ? url + versionPath : url;
}

/** An address for everyone's eyes: without user name and password. */
export function publicAddress(baseUrl: string): string {
  const url = new URL(baseUrl);
  url.username = '';
  url.password = '';
  return url.toString().replace(/\/$/, '');
}
