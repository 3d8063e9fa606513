import OpenAI from 'openai';
import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import type { ModelClient, ModelReply } from '../../domain/model';
import type { FailureContext } from '../classify-error';
import { usesResponsesApi } from '../model-facts';
import { createSerializedPrompts, type SerializedPrompts } from '../serialized-prompts';
import { withStreamDeadline } from '../stream-deadline';
import { readBackgroundResponse } from './background-response';
import { buildChatRequest, toChatMessages } from './chat-request';
import { readChatStream } from './chat-response';
import type { OpenAiTarget } from './prompt-cache';
import { toRequestBody, type RequestBody } from './request-body';
import { buildResponsesRequest, toInputItems } from './responses-request';
import { readResponsesStream } from './responses-response';

export interface OpenAiClientOptions extends OpenAiTarget {
  readonly apiKey: string | null;
  readonly label: string;
  readonly keyName: string | null;
  readonly idleTimeoutMs: number;
  /** What was serialized before; several clients may share it. */
  readonly prompts?: SerializedPrompts;
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
  const { prompts = createSerializedPrompts() } = options;
  const secrets = options.apiKey === null ? [] : [options.apiKey];
  return {
    complete: (request, { signal, onEvent, resumable }) => {
      const failure: FailureContext = { label, keyName, model: request.model, secrets };
      return withStreamDeadline({ signal, idleTimeoutMs, failure }, async (deadline) => {
        const withPrint = (reply: ModelReply, { print }: RequestBody): ModelReply =>
          request.conversationId === undefined ? reply : { ...reply, prompt: print };
        const reading = {
          provider,
          label,
          seed: `${request.messages.length}`,
          touch: () => {
            deadline.touch();
          },
          ...(onEvent && { onEvent }),
        };
        const isResponses = provider === 'openai' && usesResponsesApi(request.model);
        if (!isResponses) {
          const body = toRequestBody(prompts, request, {
            fields: buildChatRequest({ ...request, messages: [] }, options),
            list: 'messages',
            dialect: `chat/${provider}`,
            write: (message) => toChatMessages(message, options),
          });
          const stream = await send<ChatCompletionChunk>(sdk, '/chat/completions', body, deadline.signal);
          return withPrint(
            await readChatStream(stream, { ...reading, promptCharacters: body.promptBytes }),
            body,
          );
        }
        const isBackground =
          resumable !== undefined && (request.settings.background ?? options.background ?? false);
        const body = toRequestBody(prompts, request, {
          fields: buildResponsesRequest({ ...request, messages: [] }, options, isBackground),
          list: 'input',
          dialect: `responses/${provider}`,
          write: (message) => toInputItems(message, options),
        });
        const reader = { ...reading, promptCharacters: body.promptBytes };
        const begin = () => send<ResponseStreamEvent>(sdk, '/responses', body, deadline.signal);
        if (resumable && (isBackground || resumable.begunId !== undefined)) {
          const listening = { resumable, caller: signal, signal: deadline.signal, reader };
          return withPrint(await readBackgroundResponse(sdk, begin, listening), body);
        }
        return withPrint(await readResponsesStream(await begin(), reader), body);
      });
    },
  };
}

/** Sends the bytes as they are: the library would serialize the whole conversation again. */
const send = <Event>(
  sdk: OpenAI,
  path: string,
  { bytes }: RequestBody,
  signal: AbortSignal,
): Promise<AsyncIterable<Event>> =>
  sdk.post<AsyncIterable<Event>>(path, {
    body: bytes,
    headers: { 'content-type': 'application/json' },
    stream: true,
    signal,
  });
