import type { PromptPrint } from './prompt-print';
import type { ProviderCategory } from './provider';
import type { ImagePart, ReasoningPart, RedactedReasoningPart, TextPart, ToolCallPart } from './message';

/** One request to a model, free of any provider's dialect. Adapters in `llm/` map it. */
export interface ModelRequest {
  /** Name of the model at the provider, without the provider prefix of the handle. */
  readonly model: string;
  readonly messages: readonly PromptMessage[];
  readonly tools: readonly ToolSpec[];
  /** `required`: some tool must be called. `{ name }`: this one. */
  readonly toolChoice: 'auto' | 'required' | 'none' | { readonly name: string };
  readonly parallelToolCalls: boolean;
  readonly settings: ModelSettings;
  /** Stable id of the acting user, sent as OpenAI's `user`. */
  readonly user?: string;
  /** Names the conversation, so that what was serialized for its last request is used again. Never sent. */
  readonly conversationId?: string;
}

/** What the model reads. The system message is the first entry. `note`s arrive as user messages of their own. */
export type PromptMessage =
  | { readonly role: 'system'; readonly text: string }
  | { readonly role: 'user'; readonly parts: readonly (TextPart | ImagePart)[]; readonly name?: string }
  | {
      readonly role: 'assistant';
      readonly parts: readonly (TextPart | ReasoningPart | RedactedReasoningPart | ToolCallPart)[];
    }
  | {
      readonly role: 'tool';
      readonly toolCallId: string;
      readonly name: string;
      readonly text: string;
      readonly images?: readonly ImagePart[];
    };

export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON schema of the arguments object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Generation settings of an agent; null means the provider's default. */
export interface ModelSettings {
  readonly temperature: number | null;
  readonly maxOutputTokens: number | null;
  readonly reasoningEffort: string | null;
  readonly maxReasoningTokens: number | null;
  readonly verbosity: string | null;
  readonly frequencyPenalty: number | null;
  readonly strict: boolean;
  /** Whether OpenAI goes on with a reply while nobody listens; undefined means the server's default. */
  readonly background?: boolean | undefined;
  readonly responseFormat: Readonly<Record<string, unknown>> | null;
}

/** A piece of a reply while it is produced. `index` counts the parts of the reply from 0, in order of appearance. */
export type ModelEvent =
  | { readonly type: 'reasoning-delta'; readonly index: number; readonly text: string }
  | { readonly type: 'text-delta'; readonly index: number; readonly text: string }
  | {
      readonly type: 'tool-call-delta';
      readonly index: number;
      readonly id: string;
      /** Only on the first delta of a call. */
      readonly name?: string;
      readonly arguments?: string;
    };

export interface ModelReply {
  /** In the order the provider produced them; every tool call of the reply is here. */
  readonly parts: readonly (TextPart | ReasoningPart | RedactedReasoningPart | ToolCallPart)[];
  readonly finishReason: 'stop' | 'tool_calls' | 'length' | 'refusal' | 'content_filter';
  readonly usage: ModelUsage;
  /** The provider's id of the response, if it gave one. */
  readonly responseId: string | null;
  /** The bytes of the prompt, where the request named its conversation. */
  readonly prompt?: PromptPrint;
}

/** Token counts as the provider reported them; null where it did not. */
export interface ModelUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly totalTokens: number;
  readonly cachedInputTokens: number | null;
  readonly cacheWriteTokens: number | null;
  readonly reasoningTokens: number | null;
}

/** For providers that go on with a response while nobody listens. Others ignore it. */
export interface ResumableResponse {
  /** A response to listen to again from its start instead of asking anew. */
  readonly begunId?: string | undefined;
  /** Told the id of a response before any of its events. */
  onBegin(id: string): Promise<void>;
}

/** The port in front of every provider. Throws `AppError` with a `MODEL_*` code; never retries on its own. */
export interface ModelClient {
  /**
   * Streams one reply. `onEvent` is called in order; the returned reply is the whole of what was streamed. A response
   * that was begun and can't be had any more is `MODEL_UNAVAILABLE` with the fact `isLost`.
   */
  complete(
    request: ModelRequest,
    options: {
      readonly signal: AbortSignal;
      readonly onEvent?: (event: ModelEvent) => void;
      readonly resumable?: ResumableResponse;
    },
  ): Promise<ModelReply>;
  /** The body that `complete` would send, in the provider's own form. Nothing is sent. */
  preview(request: ModelRequest): Promise<unknown>;
}

/** A model that a configured provider offers. */
export interface ModelInfo {
  /** `provider/model`, the name agents are created with. */
  readonly handle: string;
  readonly name: string;
  readonly displayName: string;
  readonly providerName: string;
  /** Letta's `provider_type` / `model_endpoint_type`: openai, anthropic, google_ai, openrouter, ollama, vllm, … */
  readonly providerType: string;
  readonly providerCategory: ProviderCategory;
  readonly endpoint: string;
  readonly contextWindow: number;
  readonly maxOutputTokens: number;
  readonly isReasoning: boolean;
}
export interface EmbeddingModelInfo {
  readonly handle: string;
  readonly name: string;
  readonly providerName: string;
  readonly providerType: string;
  readonly endpoint: string;
  readonly dimensions: number;
}

/** What the configured providers offer, from their own listings, cached. */
export interface ModelDirectory {
  list(): Promise<readonly ModelInfo[]>;
  listEmbeddings(): Promise<readonly EmbeddingModelInfo[]>;
  /**
   * The model behind a handle. `openai-proxy/x` is an alias of `openai/x`. A handle without "/" is
   * `INVALID_ARGUMENT`, an unknown one `NOT_FOUND` with Letta's text (`Handle x not found, must be one of [...]`).
   */
  resolve(handle: string): Promise<ModelInfo>;
  resolveEmbedding(handle: string): Promise<EmbeddingModelInfo>;
  /** What embeds where nobody chose a model; null leaves such archives to full-text search. */
  defaultEmbedding(): Promise<EmbeddingModelInfo | null>;
}

/**
 * The models a worker can call: the directory and a client per handle. A provider that is not there (any more) is
 * `MODEL_NOT_FOUND`.
 */
export interface ModelRegistry extends ModelDirectory {
  client(handle: string): Promise<{ readonly info: ModelInfo; readonly client: ModelClient }>;
}
