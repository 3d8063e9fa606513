import type { LanguageModelV3, LanguageModelV3CallOptions } from '@ai-sdk/provider';
import type { ModelClient, ModelRequest } from '../../domain/model';
import { withStreamDeadline } from '../stream-deadline';
import { readAiSdkStream } from './read-stream';
import type { AiSdkReplyOptions } from './read-stream';

type FetchFunction = typeof globalThis.fetch;

/** What an AI SDK provider package needs to become a `ModelClient`. */
export interface AiSdkAdapter extends Pick<
  AiSdkReplyOptions,
  'provider' | 'label' | 'readMetadata' | 'redactedData'
> {
  readonly keyName: string;
  readonly secrets: readonly string[];
  readonly idleTimeoutMs: number;
  /** The model as the provider's package speaks to it, by `fetch` in place of the network if it is given. */
  languageModel(name: string, fetch?: FetchFunction): LanguageModelV3;
  buildRequest(request: ModelRequest): LanguageModelV3CallOptions;
}

/** A `ModelClient` over an AI SDK provider package, without the SDK's own loop, retries and tool execution. */
export function createAiSdkClient(adapter: AiSdkAdapter): ModelClient {
  const { provider, label, keyName, secrets, idleTimeoutMs, readMetadata, redactedData } = adapter;
  return {
    complete: (request, { signal, onEvent }) => {
      const failure = { label, keyName, secrets, model: request.model };
      return withStreamDeadline({ signal, idleTimeoutMs, failure }, async (deadline) => {
        const call = { ...adapter.buildRequest(request), abortSignal: deadline.signal };
        const { stream } = await adapter.languageModel(request.model).doStream(call);
        return readAiSdkStream(stream, {
          provider,
          label,
          seed: `${request.messages.length}`,
          readMetadata,
          redactedData,
          touch: () => {
            deadline.touch();
          },
          ...(onEvent && { onEvent }),
        });
      });
    },
    preview: (request) => catchBody(adapter, request),
  };
}

/** The package serializes a request where it sends it, so it is sent to nobody. */
async function catchBody(adapter: AiSdkAdapter, request: ModelRequest): Promise<unknown> {
  const bodies: unknown[] = [];
  const nobody: FetchFunction = (_url, init) => {
    bodies.push(JSON.parse(typeof init?.body === 'string' ? init.body : 'null'));
    return Promise.resolve(new Response('', { headers: { 'content-type': 'text/event-stream' } }));
  };
  try {
    await adapter.languageModel(request.model, nobody).doStream(adapter.buildRequest(request));
  } catch (error) {
    // An answer of nobody may be refused; the body is known by then.
    if (bodies.length === 0) throw error;
  }
  return bodies[0];
}
