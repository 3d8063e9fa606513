/** Letta's kinds of providers. Not every one has a client here. */
export const PROVIDER_TYPES = [
  'anthropic',
  'azure',
  'baseten',
  'bedrock',
  'cerebras',
  'chatgpt_oauth',
  'deepseek',
  'fireworks',
  'google_ai',
  'google_vertex',
  'groq',
  'hugging-face',
  'letta',
  'lmstudio_openai',
  'minimax',
  'mistral',
  'ollama',
  'openai',
  'together',
  'vllm',
  'sglang',
  'openrouter',
  'xai',
  'zai',
  'zai_coding',
] as const;
export type ProviderType = (typeof PROVIDER_TYPES)[number];

/** Whether a provider is the server's own (its environment names it) or was brought by a user with a key. */
export const PROVIDER_CATEGORIES = ['base', 'byok'] as const;
export type ProviderCategory = (typeof PROVIDER_CATEGORIES)[number];

/** What a user says about a provider. The two keys are secrets. */
export interface ProviderFields {
  /** First part of the handles of its models. */
  readonly name: string;
  readonly providerType: ProviderType;
  readonly apiKey: string | null;
  /** Null means the address of the server's own provider of this type, or else of the provider's maker. */
  readonly baseUrl: string | null;
  readonly accessKey: string | null;
  readonly region: string | null;
  readonly apiVersion: string | null;
}
/** The fields of a stored provider that may change. */
export type ProviderPatch = Partial<Omit<ProviderFields, 'name' | 'providerType'>>;

/** A provider that a user brought, as it is stored. */
export interface StoredProvider extends ProviderFields {
  readonly id: string;
  /** Counts changes: a client made for another version is not used. */
  readonly version: number;
  readonly updatedAt: Date;
  /** When its list of models was last read on request; null if it never was. */
  readonly lastSynced: Date | null;
}

/** Where the models of this process find the providers that users brought. */
export interface StoredProviders {
  /** All of them, oldest first. */
  list(): Promise<readonly StoredProvider[]>;
  /** One cheap look-up: every step on a model of such a provider asks. */
  byName(name: string): Promise<StoredProvider | null>;
}

/** What can be asked of a provider beside replies of its models. */
export interface ProviderAccess {
  /** Refuses with `INVALID_ARGUMENT` what this server could not call, or could not tell from a provider of its own. */
  assertUsable(provider: ProviderFields): void;
  /** The address that is called. */
  addressOf(provider: ProviderFields): string;
  /** Asks the provider for its models. A failure is a `MODEL_*` error, `MODEL_AUTHENTICATION` for a wrong key. */
  check(provider: ProviderFields): Promise<void>;
  /** Reads the list of its models anew; whether that worked. */
  refresh(provider: StoredProvider): Promise<boolean>;
}
