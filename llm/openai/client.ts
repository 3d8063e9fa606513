import OpenAI from 'openai';
import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { ResponseStreamEvent } from 'openai/resources/responses/responses';
import type { ModelClient, ModelReply, ModelRequest, ResumableResponse } from '../../domain/model';
import type { PromptPrint } from '../../domain/prompt-print';
import type { FailureContext } from '../classify-error';
import { usesResponsesApi } from '../model-facts';
import { createSerializedPrompts, type SerializedPrompts } from '../serialized-prompts';
import { withStreamDeadline } from '../stream-deadline';
import { readBackgroundResponse } from './background-response';
import { buildChatRequest, toChatMessages } from './chat-request';
import { readChatStream, type ChatReplyOptions } from './chat-response';
import type { OpenAiTarget } from './prompt-cache';
import { toRequestBody } from './request-body';
import { accountOf, buildResponsesRequest, toInputItems } from './responses-request';
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
  const secrets = options.apiKey === null ? [] : [options.apiKey];
  const speaking = { sdk, options, prompts: options.prompts ?? createSerializedPrompts() };
  const isResponses = ({ model }: ModelRequest) => provider === 'openai' && usesResponsesApi(model);
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
        const asked = { ...speaking, request, reading, signal: deadline.signal, caller: signal, resumable };
        const { reply, print } = await (isResponses(request) ? askResponses(asked) : askChat(asked));
        return request.conversationId === undefined ? reply : { ...reply, prompt: print };
      });
    },
    preview: (request) => {
      const written = { options, prompts: createSerializedPrompts(), request };
      const { bytes } = isResponses(request)
        ? responsesBody(written, goesOn(request, options))
        : chatBody(written);
      return Promise.resolve(JSON.parse(bytes.toString()) as unknown);
    },
  };
}

interface Asked {
  readonly sdk: OpenAI;
  readonly options: OpenAiClientOptions;
  readonly prompts: SerializedPrompts;
  readonly request: ModelRequest;
  readonly reading: Omit<ChatReplyOptions, 'promptCharacters'>;
  readonly signal: AbortSignal;
  /** The caller's own signal, whose reason says why. */
  readonly caller: AbortSignal;
  readonly resumable: ResumableResponse | undefined;
}
interface Answer {
  readonly reply: ModelReply;
  readonly print: PromptPrint;
}

type Written = Pick<Asked, 'options' | 'prompts' | 'request'>;

const chatBody = ({ options, prompts, request }: Written) =>
  toRequestBody(prompts, request, {
    fields: buildChatRequest({ ...request, messages: [] }, options),
    list: 'messages',
    dialect: `chat/${options.provider}`,
    write: (messages, index) => toChatMessages(messages, index, options),
  });

const responsesBody = ({ options, prompts, request }: Written, isBackground: boolean) =>
  toRequestBody(prompts, request, {
    fields: buildResponsesRequest({ ...request, messages: [] }, options, isBackground),
    list: 'input',
    dialect: `responses/${accountOf(options)}`,
    write: (messages, index) =>
      messages.slice(index, index + 1).flatMap((each) => toInputItems(each, options)),
  });

/** Whether a reply that can be listened to again goes on at OpenAI while nobody does. */
const goesOn = ({ settings }: ModelRequest, { background = false }: OpenAiClientOptions): boolean =>
  settings.background ?? background;

async function askChat(asked: Asked): Promise<Answer> {
  const { sdk, reading, signal } = asked;
  const { bytes, print, promptBytes } = chatBody(asked);
  const stream = await send<ChatCompletionChunk>(sdk, '/chat/completions', bytes, signal);
  return { print, reply: await readChatStream(stream, { ...reading, promptCharacters: promptBytes }) };
}

async function askResponses(asked: Asked): Promise<Answer> {
  const { sdk, options, request, reading, signal, caller, resumable } = asked;
  const isBackground = resumable !== undefined && goesOn(request, options);
  const { bytes, print, promptBytes } = responsesBody(asked, isBackground);
  const reader = { ...reading, provider: accountOf(options), promptCharacters: promptBytes };
  const begin = () => send<ResponseStreamEvent>(sdk, '/responses', bytes, signal);
  if (resumable && (isBackground || resumable.begunId !== undefined)) {
    const listening = { resumable, caller, signal, reader };
    return { print, reply: await readBackgroundResponse(sdk, begin, listening) };
  }
  return { print, reply: await readResponsesStream(await begin(), reader) };
}

/** Sends the bytes as they are: the library would serialize the whole conversation again. */
const send = <Event>(
  sdk: OpenAI,
  path: string,
  body: Buffer,
  signal: AbortSignal,
): Promise<AsyncIterable<Event>> =>
  sdk.post<AsyncIterable<Event>>(path, {
    body,
    headers: { 'content-type': 'application/json' },
    stream: true,
    signal,
  });
