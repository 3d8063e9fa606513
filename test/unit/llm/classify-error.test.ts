import { AppError } from '../../../domain/errors';
import type { ErrorCode } from '../../../domain/errors';
import type { ModelClient } from '../../../domain/model';
import { createAnthropicClient } from '../../../llm/anthropic/client';
import { classifyError } from '../../../llm/classify-error';
import { createGoogleClient } from '../../../llm/google/client';
import { createOpenAiClient } from '../../../llm/openai/client';
import { sendJson, startFakeServer } from '../../support/fake-server';
import type { FakeServer } from '../../support/fake-server';
import { call, failure } from './calls';
import { modelRequest } from './requests';

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

let server: FakeServer;
let answer: Answer;
beforeAll(async () => {
  server = await startFakeServer(({ res }) => {
    sendJson(res, answer.status, answer.body, answer.headers);
  });
});
afterAll(async () => {
  await server.close();
});

const SECRET = 'plain-very-secret-0123';
const options = () => ({ apiKey: SECRET, baseUrl: server.origin, idleTimeoutMs: 5000 });
const CLIENTS: Readonly<Record<string, { client: () => ModelClient; model: string }>> = {
  'openai chat': { client: () => createOpenAiClient({ ...options(), provider: 'openai', label: 'OpenAI', keyName: 'OPENAI_API_KEY' }), model: 'gpt-4.1' },
  'openai responses': { client: () => createOpenAiClient({ ...options(), provider: 'openai', label: 'OpenAI', keyName: 'OPENAI_API_KEY' }), model: 'gpt-5' },
  anthropic: { client: () => createAnthropicClient({ ...options(), label: 'Anthropic', keyName: 'ANTHROPIC_API_KEY' }), model: 'claude-sonnet-4-5' },
  google: { client: () => createGoogleClient({ ...options(), label: 'Google Gemini', keyName: 'GEMINI_API_KEY' }), model: 'gemini-2.5-pro' },
}; // prettier-ignore

const openai = (message: string, fields = {}) => ({
  error: { message, type: 'invalid_request_error', code: null, ...fields },
});
const claude = (type: string, message: string) => ({ type: 'error', error: { type, message } });
const gemini = (code: number, status: string, message: string, details: unknown[] = []) => ({ error: { code, status, message, details } }); // prettier-ignore

type Row = readonly [provider: string, what: string, answer: Answer, code: ErrorCode];
const everywhere = (status: number, code: ErrorCode): Row[] =>
  Object.keys(CLIENTS).map((provider) => [
    provider,
    `${status}`,
    { status, body: openai(`plain ${status}`) },
    code,
  ]);

const TABLE: readonly Row[] = [
  ...everywhere(400, 'MODEL_BAD_REQUEST'),
  ...everywhere(401, 'MODEL_AUTHENTICATION'),
  ...everywhere(402, 'MODEL_INSUFFICIENT_CREDITS'),
  ...everywhere(403, 'MODEL_PERMISSION_DENIED'),
  ...everywhere(404, 'MODEL_NOT_FOUND'),
  ...everywhere(408, 'MODEL_TIMEOUT'),
  ...everywhere(409, 'MODEL_UNAVAILABLE'),
  ...everywhere(413, 'MODEL_CONTEXT_OVERFLOW'),
  ...everywhere(422, 'MODEL_BAD_REQUEST'),
  ...everywhere(429, 'MODEL_RATE_LIMIT'),
  ...everywhere(502, 'MODEL_UNAVAILABLE'),
  ...everywhere(503, 'MODEL_UNAVAILABLE'),
  ...everywhere(504, 'MODEL_TIMEOUT'),
  ...everywhere(529, 'MODEL_UNAVAILABLE'),
  ['openai chat', '500', { status: 500, body: openai('oops', { type: 'server_error' }) }, 'MODEL_UNAVAILABLE'],
  ['openai chat', 'a page instead of JSON', { status: 502, body: '<html>Bad gateway</html>' }, 'MODEL_UNAVAILABLE'],
  ['openai chat', 'overflow by code', { status: 400, body: openai('Too much.', { code: 'context_length_exceeded' }) }, 'MODEL_CONTEXT_OVERFLOW'],
  ['openai chat', 'overflow by text', { status: 400, body: openai("This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.") }, 'MODEL_CONTEXT_OVERFLOW'],
  ['openai chat', 'overflow of llama.cpp', { status: 400, body: openai('the request exceeds the available context size', { type: 'exceed_context_size_error' }) }, 'MODEL_CONTEXT_OVERFLOW'],
  ['openai responses', 'overflow by text', { status: 400, body: openai('Your input exceeds the context window of this model.') }, 'MODEL_CONTEXT_OVERFLOW'],
  ['openai chat', 'no quota', { status: 429, body: openai('You exceeded your current quota.', { code: 'insufficient_quota' }) }, 'MODEL_INSUFFICIENT_CREDITS'],
  ['openai chat', 'a bad key', { status: 401, body: openai('Incorrect API key provided', { code: 'invalid_api_key' }) }, 'MODEL_AUTHENTICATION'],
  ['openai chat', 'a text as error', { status: 400, body: { error: 'model not loaded' } }, 'MODEL_BAD_REQUEST'],
  ['anthropic', 'overflow', { status: 400, body: claude('invalid_request_error', 'prompt is too long: 215000 tokens > 200000 maximum') }, 'MODEL_CONTEXT_OVERFLOW'],
  ['anthropic', 'overflow with the output', { status: 400, body: claude('invalid_request_error', 'input length and `max_tokens` exceed context limit: 1 + 2 > 2') }, 'MODEL_CONTEXT_OVERFLOW'],
  ['anthropic', 'no credits', { status: 400, body: claude('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.') }, 'MODEL_INSUFFICIENT_CREDITS'],
  ['anthropic', 'overload', { status: 529, body: claude('overloaded_error', 'Overloaded') }, 'MODEL_UNAVAILABLE'],
  ['anthropic', 'an API error', { status: 500, body: claude('api_error', 'Internal server error') }, 'MODEL_UNAVAILABLE'],
  ['google', 'overflow', { status: 400, body: gemini(400, 'INVALID_ARGUMENT', 'The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).') }, 'MODEL_CONTEXT_OVERFLOW'],
  ['google', 'a bad key', { status: 400, body: gemini(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [{ reason: 'API_KEY_INVALID' }]) }, 'MODEL_AUTHENTICATION'],
  ['google', 'exhausted', { status: 429, body: gemini(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for metric') }, 'MODEL_RATE_LIMIT'],
  ['google', 'an internal error', { status: 500, body: gemini(500, 'INTERNAL', 'An internal error') }, 'MODEL_UNAVAILABLE'],
]; // prettier-ignore

async function fail(provider: string): Promise<AppError> {
  const { client, model } = CLIENTS[provider] ?? { client: () => fail as never, model: '' };
  return failure(call(client(), modelRequest({ model })));
}

it.each(TABLE)('%s: %s has its code', async (provider, _what, given, code) => {
  answer = given;

  const error = await fail(provider);

  expect({ code: error.code, status: error.facts['status'] }).toEqual({ code, status: given.status });
});

it('keeps the provider’s words and says what to do', async () => {
  answer = { status: 400, body: openai('mock error 400') };
  expect((await fail('openai chat')).message).toBe('Bad request to OpenAI: mock error 400.');

  answer = { status: 401, body: claude('authentication_error', 'invalid x-api-key') };
  expect((await fail('anthropic')).message).toBe('Authentication failed with Anthropic: invalid x-api-key. Check ANTHROPIC_API_KEY.');
}); // prettier-ignore

it.each([
  ['seconds', { 'retry-after': '7' }, 7000],
  ['fractions', { 'retry-after': '0.25' }, 250],
  ['milliseconds, which win', { 'retry-after': '7', 'retry-after-ms': '1500' }, 1500],
  ['a date in the past', { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 0],
  ['nothing', {}, undefined],
  ['nonsense', { 'retry-after': 'soon' }, undefined],
])('reads how long to wait from %s', async (_name, headers, expected) => {
  answer = { status: 429, body: openai('slow down'), headers };

  for (const provider of Object.keys(CLIENTS)) expect((await fail(provider)).retryAfterMs).toBe(expected);
});

it('reads a date in the future and Google’s delay in the body', async () => {
  answer = {
    status: 503,
    body: openai('busy'),
    headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() },
  };
  expect((await fail('openai chat')).retryAfterMs).toBeGreaterThan(50_000);

  answer = { status: 429, body: gemini(429, 'RESOURCE_EXHAUSTED', 'Quota', [{ retryDelay: '34.5s' }]) };
  expect((await fail('google')).retryAfterMs).toBe(34_500);
});

it('hides keys, whole or in part', async () => {
  for (const provider of Object.keys(CLIENTS)) {
    answer = {
      status: 401,
      body: openai(`Incorrect API key provided: ${SECRET} or sk-ab***xyz9, Bearer ${SECRET}`),
    };
    expect((await fail(provider)).message).not.toMatch(/very-secret|sk-ab/);
  }
});

describe('failures without an answer', () => {
  const context = { label: 'X', keyName: null, model: 'm', secrets: [] };
  const network = (code: string, message = 'fetch failed') =>
    Object.assign(new TypeError(message), { cause: Object.assign(new Error(`read ${code}`), { code }) });

  it.each([
    ['a reset', network('ECONNRESET'), 'MODEL_UNAVAILABLE'],
    ['an unknown host', network('ENOTFOUND'), 'MODEL_UNAVAILABLE'],
    ['a connect timeout', network('UND_ERR_CONNECT_TIMEOUT'), 'MODEL_TIMEOUT'],
    ['a body timeout', network('UND_ERR_BODY_TIMEOUT', 'terminated'), 'MODEL_TIMEOUT'],
    ['broken JSON', new SyntaxError('Unexpected token'), 'MODEL_INVALID_RESPONSE'],
    ['something else', 'what', 'MODEL_UNAVAILABLE'],
  ])('%s', (_name, error, code) => {
    expect(classifyError(error, context)).toMatchObject({ code });
  });

  it('leaves an AppError as it is', () => {
    const error = new AppError('SUPERSEDED', 'another attempt runs');

    expect(classifyError(error, context)).toBe(error);
  });
});
