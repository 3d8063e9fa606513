import { checkRequest } from './fake-openai-check';
import { createBackgroundResponses } from './fake-openai-background';
import { chatBody, chatFrames, data, responsesBody, responsesFrames } from './fake-openai-frames';
import { directiveScript, readFakeRequest } from './fake-openai-script';
import type { FakeReply, FakeScript } from './fake-openai-script';
import { sendFrames, sendJson, startFakeServer, waitMs } from './fake-server';
import type { FakeExchange } from './fake-server';

export type { FakeReply, FakeRequest, FakeScript, FakeToolCall } from './fake-openai-script';

export interface RecordedRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  /** The bytes as they came. */
  readonly raw: Buffer;
  readonly body: Readonly<Record<string, unknown>>;
}
export interface FakeOpenAiOptions {
  /** Decides each reply; the default carries out directives (see `directiveScript`). `n` counts from 0. */
  readonly script?: FakeScript;
  /** Replies for the first requests, before `script` is asked. */
  readonly replies?: readonly FakeReply[];
  readonly models?: readonly (string | Readonly<Record<string, unknown>>)[];
  /** Refuses every other key with 401. */
  readonly apiKey?: string;
  /** Refuses requests that OpenAI would refuse (default true). */
  readonly strict?: boolean;
  /** Keeps every request (default true; benchmarks turn it off). */
  readonly record?: boolean;
  /** Waits this long before every reply. */
  readonly delayMs?: number;
  readonly port?: number;
}
export interface FakeOpenAi {
  /** Base URL with `/v1`. */
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
  /** What the strict checker refused. Tests assert that it stays empty. */
  readonly problems: readonly string[];
  /** Requests to the model since the start, recorded or not. */
  readonly count: number;
  /** What was asked of responses that go on in the background, for example `GET resp_fake0` and `CANCEL resp_fake0`. */
  readonly backgroundCalls: readonly string[];
  /** Makes OpenAI forget its background responses. */
  forgetBackground(): void;
  /** How often the model list was asked for. */
  readonly listings: number;
  close(): Promise<void>;
}

export const FAKE_MODELS = ['gpt-4.1', 'gpt-4o-mini', 'gpt-5-mini', 'gpt-5.2', 'text-embedding-3-small'];

/**
 * An OpenAI-compatible server for tests and benchmarks: model list, Chat Completions, Responses, embeddings. It says
 * what its script says and checks every request it gets. No test framework, no dependency, little work per request.
 */
export async function startFakeOpenAI(options: FakeOpenAiOptions = {}): Promise<FakeOpenAi> {
  const { strict = true, record = true, script = directiveScript, replies = [] } = options;
  const requests: RecordedRequest[] = [];
  const problems: string[] = [];
  const counters = { replies: 0, listings: 0 };
  const background = createBackgroundResponses();

  async function answer(exchange: FakeExchange): Promise<void> {
    const { method, path, headers, raw, res } = exchange;
    const route = `${method} ${path.replace(/\?.*$/, '').replace(/^\/v1/, '')}`;
    if (options.apiKey !== undefined && headers.authorization !== `Bearer ${options.apiKey}`) {
      sendJson(
        res,
        401,
        errorBody(401, `Incorrect API key provided: ${String(headers.authorization).slice(7)}`),
      );
    } else if (route === 'GET /models') {
      counters.listings += 1;
      sendJson(res, 200, { object: 'list', data: (options.models ?? FAKE_MODELS).map(toModel) });
    } else if (route === 'POST /embeddings') {
      sendJson(res, 200, embeddings(parse(raw)));
    } else if (route === 'POST /chat/completions' || route === 'POST /responses') {
      const body = parse(raw);
      if (record) requests.push({ path, authorization: headers.authorization, raw, body });
      await reply(route === 'POST /responses' ? 'responses' : 'chat', body, exchange);
    } else if (await background.answer(method, path, res)) {
      return;
    } else {
      sendJson(res, 404, errorBody(404, `Invalid URL (${route})`));
    }
  }

  async function reply(
    api: 'chat' | 'responses',
    body: Readonly<Record<string, unknown>>,
    { raw, res }: FakeExchange,
  ) {
    const n = counters.replies++;
    const problem = strict ? checkRequest(api, body) : null;
    if (problem !== null) {
      problems.push(`request ${n}: ${problem}`);
      sendJson(res, 400, errorBody(400, problem));
      return;
    }
    const request = readFakeRequest(api, body);
    const scripted = replies[n] ?? (await script(request, n));
    const delayMs = (scripted.delayMs ?? 0) + (options.delayMs ?? 0);
    if (delayMs > 0) await waitMs(delayMs);
    if (scripted.error) {
      const { status, body: text = errorBody(status, `fake error ${status}`), headers } = scripted.error;
      sendJson(res, status, text, headers);
      return;
    }
    const context = { request, n, bytes: raw.length };
    if (body['stream'] !== true) {
      sendJson(res, 200, api === 'chat' ? chatBody(scripted, context) : responsesBody(scripted, context));
      return;
    }
    const made = api === 'chat' ? chatFrames(scripted, context) : responsesFrames(scripted, context);
    if (body['background'] === true) {
      await background.begin(`resp_fake${n}`, made, scripted, res);
      return;
    }
    await sendFrames(res, scripted.rawFrames?.map(data) ?? made, scripted);
  }

  const server = await startFakeServer(answer, options.port);
  return {
    url: `${server.origin}/v1`,
    requests,
    problems,
    backgroundCalls: background.calls,
    forgetBackground: () => background.forget(),
    get count() {
      return counters.replies;
    },
    get listings() {
      return counters.listings;
    },
    close: () => server.close(),
  };
}

function parse(raw: Buffer): Readonly<Record<string, unknown>> {
  return JSON.parse(raw.toString()) as Record<string, unknown>; // Our own client sends objects; a failure answers 500.
}

const toModel = (model: string | Readonly<Record<string, unknown>>) =>
  typeof model === 'string' ? { id: model, object: 'model', created: 0, owned_by: 'fake' } : model;

const errorBody = (status: number, message: string) => ({
  error: { message, type: status < 500 ? 'invalid_request_error' : 'server_error', param: null, code: null },
});

/** Vectors that depend on the text alone. */
function embeddings({ input, model }: Readonly<Record<string, unknown>>) {
  const texts = (Array.isArray(input) ? input : [input]).map(String);
  const vector = (text: string) =>
    Array.from(
      { length: 1536 },
      (_, at) => ((text.charCodeAt(at % Math.max(1, text.length)) || 1) % 17) / 17,
    );
  return {
    object: 'list',
    model,
    data: texts.map((text, index) => ({ object: 'embedding', index, embedding: vector(text) })),
    usage: { prompt_tokens: texts.join('').length, total_tokens: texts.join('').length },
  };
}
