import { createAnthropic } from '@ai-sdk/anthropic';
import type { ModelClient } from '../../domain/model';
import { createAiSdkClient } from '../ai-sdk/client';
import { isRecord } from '../is-record';
import { ANTHROPIC, buildAnthropicRequest } from './request';

export interface AnthropicClientOptions {
  readonly apiKey: string;
  /** With its version, `https://api.anthropic.com/v1`. */
  readonly baseUrl: string;
  readonly label: string;
  readonly keyName: string;
  readonly idleTimeoutMs: number;
}

/** Claude through Anthropic's Messages API: thinking with signatures and redacted thinking are kept and sent back. */
export function createAnthropicClient({ apiKey, baseUrl, ...options }: AnthropicClientOptions): ModelClient {
  const provider = createAnthropic({ apiKey, baseURL: baseUrl });
  return createAiSdkClient({
    ...options,
    provider: ANTHROPIC,
    secrets: [apiKey],
    languageModel: (name, fetch) =>
      (fetch ? createAnthropic({ apiKey, baseURL: baseUrl, fetch }) : provider).languageModel(name),
    buildRequest: buildAnthropicRequest,
    readMetadata: (reply, index, metadata) => {
      const signature = metadata['anthropic']?.['signature'];
      if (typeof signature === 'string') reply.sign(index, signature);
    },
    redactedData: (metadata) => {
      const own = metadata?.['anthropic'];
      const data = isRecord(own) ? own['redactedData'] : undefined;
      return typeof data === 'string' ? data : null;
    },
  });
}
