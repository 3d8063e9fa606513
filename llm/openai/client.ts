import OpenAI from 'openai';
import type { ModelClient } from '../../domain/model';
import type { FailureContext } from '../classify-error';
import { usesResponsesApi } from '../model-facts';
import { withStreamDeadline } from '../stream-deadline';
import { readBackgroundResponse } from './background-response';
import { buildChatRequest } from './chat-request';
import { readChatStream } from './chat-response';
import type { OpenAiTarget } from './prompt-cache';
import { buildResponsesRequest } from './responses-request';
import { readResponsesStream } from './responses-response';

export interface OpenAiClientOptions extends OpenAiTarget {
  readonly apiKey: string | null;
  readonly label: string;
  readonly keyName: string | null;
  readonly idleTimeoutMs: number;
  /** Whether replies go on at OpenAI while nobody listens, where the agent does not say. */
  readonly background?: boolean;
}

/**
 * OpenAI and every server that speaks its dialects. OpenAI's reasoning models go through the Responses API, the rest
 * through Chat Completions; both are always streamed, so there is one path to test.
 */
export function createOpenAiClient(options: OpenAiClientOptions): ModelClient {
  const { provider, baseUrl, label, keyName, idleTimeoutMs } = options;
  // The library reads OPENAI_* variables for whatever is left out, so nothing is left out.
  const sdk = new OpenAI({
    apiKey: options.apiKey ?? 'none',
    baseURL: baseUrl,
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: 0x7fffffff,
    logLevel: 'off',
  });
  const secrets = options.apiKey === null ? [] : [options.apiKey];
  return {
    complete: (request, { signal, onEvent, resumable }) => {
      const failure: FailureContext = { label, keyName, model: request.model, secrets };
      return withStreamDeadline({ signal, idleTimeoutMs, failure }, async (deadline) => {
        const reading = {
          provider,
          label,
          seed: `${request.messages.length}`,
          touch: () => {
            deadline.touch();
          },
          ...(onEvent && { onEvent }),
        };
        if (provider === 'openai' && usesResponsesApi(request.model)) {
          const isBackground =
            resumable !== undefined && (request.settings.background ?? options.background ?? false);
          const body = buildResponsesRequest(request, options, isBackground);
          const reader = { ...reading, promptCharacters: sizeOf(body.input) };
          if (resumable && (isBackground || resumable.begunId !== undefined))
            return readBackgroundResponse(sdk, body, {
              resumable,
              caller: signal,
              signal: deadline.signal,
              reader,
            });
          const stream = await sdk.responses.create(body, { signal: deadline.signal });
          return readResponsesStream(stream, reader);
        }
        const body = buildChatRequest(request, options);
        const stream = await sdk.chat.completions.create(body, { signal: deadline.signal });
        return readChatStream(stream, { ...reading, promptCharacters: sizeOf(body.messages) });
      });
    },
  };
}

const sizeOf = (value: unknown): number => JSON.stringify(value).length;
