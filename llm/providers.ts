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
  /** First part of the handle, and Letta's provider type. */
  readonly name: string;
  readonly label: string;
  readonly dialect: 'openai' | 'anthropic' | 'google';
  readonly apiKey: string | null;
  readonly baseUrl: string;
  readonly keyName: string;
  /** Whether the address is the maker's own, not a proxy or a local server. */
  readonly isOriginal: boolean;
}

type Description = Pick<Provider, 'name' | 'label' | 'dialect' | 'keyName'> & { readonly address: string };

const openAiLike = (name: string, label: string, keyName: string, address: string): Description => ({
  name,
  label,
  keyName,
  address,
  dialect: 'openai',
});

const DESCRIPTIONS: Readonly<Record<ProviderKey, Description>> = {
  openai: openAiLike('openai', 'OpenAI', 'OPENAI_API_KEY', 'https://api.openai.com/v1'),
  anthropic: {
    name: 'anthropic',
    label: 'Anthropic',
    keyName: 'ANTHROPIC_API_KEY',
    address: 'https://api.anthropic.com/v1',
    dialect: 'anthropic',
  },
  gemini: {
    name: 'google_ai',
    label: 'Google Gemini',
    keyName: 'GEMINI_API_KEY',
    address: 'https://generativelanguage.googleapis.com/v1beta',
    dialect: 'google',
  },
  openrouter: openAiLike('openrouter', 'OpenRouter', 'OPENROUTER_API_KEY', 'https://openrouter.ai/api/v1'),
  ollama: openAiLike('ollama', 'Ollama', 'OLLAMA_BASE_URL', 'http://127.0.0.1:11434/v1'),
  lmstudio: openAiLike('lmstudio_openai', 'LM Studio', 'LMSTUDIO_BASE_URL', 'http://127.0.0.1:1234/v1'),
  vllm: openAiLike('vllm', 'vLLM', 'VLLM_API_BASE', 'http://127.0.0.1:8000/v1'),
  groq: openAiLike('groq', 'Groq', 'GROQ_API_KEY', 'https://api.groq.com/openai/v1'),
  together: openAiLike('together', 'Together', 'TOGETHER_API_KEY', 'https://api.together.xyz/v1'),
  deepseek: openAiLike('deepseek', 'DeepSeek', 'DEEPSEEK_API_KEY', 'https://api.deepseek.com/v1'),
  xai: openAiLike('xai', 'xAI', 'XAI_API_KEY', 'https://api.x.ai/v1'),
};

/** The configured providers, in the order in which their models are listed. */
export function configuredProviders(config: ProviderConfig): readonly Provider[] {
  return Object.entries(DESCRIPTIONS).flatMap(([key, { address, ...description }]): Provider[] => {
    const endpoint = config[key as ProviderKey]; // The table's keys are exactly these.
    if (!endpoint || (!endpoint.apiKey && !endpoint.baseUrl)) return [];
    const baseUrl = endpoint.baseUrl ? withVersion(endpoint.baseUrl, new URL(address).pathname) : address;
    const isOriginal = baseUrl === address;
    const isProxy = description.name === 'openai' && !isOriginal;
    const label = isProxy ? 'OpenAI-compatible endpoint' : description.label;
    return [{ ...description, label, baseUrl, isOriginal, apiKey: endpoint.apiKey || null }];
  });
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
