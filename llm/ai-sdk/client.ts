import type { LanguageModelV3, LanguageModelV3CallOptions } from '@ai-sdk/provider';
import type { ModelClient, ModelRequest } from '../../domain/model';
import { withStreamDeadline } from '../stream-deadline';
import { readAiSdkStream } from './read-stream';
import type { AiSdkReplyOptions } from './read-stream';

/** What an AI SDK provider package needs to become a `ModelClient`. */
export interface AiSdkAdapter extends Pick<
  AiSdkReplyOptions,
  'provider' | 'label' | 'readMetadata' | 'redactedData'
> {
  readonly keyName: string;
  readonly secrets: readonly string[];
  readonly idleTimeoutMs: number;
  languageModel(name: string): LanguageModelV3;
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
  };
}
