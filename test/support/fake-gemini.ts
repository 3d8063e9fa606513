import { isRecord } from '../../llm/is-record';
import { data } from './fake-openai-frames';
import { sendFrames, sendJson, startFakeServer } from './fake-server';

export interface FakeGeminiReply {
  /** Parts in order, one chunk each: `{ text, thought, thoughtSignature }` or `{ functionCall, thoughtSignature }`. */
  readonly parts?: readonly Readonly<Record<string, unknown>>[];
  readonly finishReason?: string | null;
  readonly blockReason?: string;
  readonly error?: {
    readonly status: number;
    readonly body: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** An error object in the stream, after the parts. */
  readonly streamError?: Readonly<Record<string, unknown>>;
  readonly cutAfter?: number;
  readonly endAfter?: number;
}
export interface FakeGemini {
  /** Base URL with `/v1beta`. */
  readonly url: string;
  readonly requests: readonly Readonly<Record<string, unknown>>[];
  readonly problems: readonly string[];
  close(): Promise<void>;
}

/** The Gemini API, as far as the adapter uses it. Replies are served in order, the last one for ever. */
export async function startFakeGemini(replies: readonly FakeGeminiReply[]): Promise<FakeGemini> {
  const requests: Readonly<Record<string, unknown>>[] = [];
  const problems: string[] = [];
  const server = await startFakeServer(async ({ method, path, raw, res }) => {
    if (method === 'GET') {
      sendJson(res, 200, { models: FAKE_GEMINI_MODELS });
      return;
    }
    if (!/^\/v1beta\/models\/[^:]+:streamGenerateContent\?alt=sse$/.test(path)) {
      sendJson(res, 404, { error: { code: 404, status: 'NOT_FOUND', message: `no route ${path}` } });
      return;
    }
    const body = JSON.parse(raw.toString()) as Record<string, unknown>; // The adapter sends objects.
    const reply = replies[Math.min(requests.length, replies.length - 1)] ?? {};
    requests.push(body);
    const problem = checkContents(body);
    if (problem !== null) {
      problems.push(problem);
      sendJson(res, 400, { error: { code: 400, status: 'INVALID_ARGUMENT', message: problem } });
      return;
    }
    if (reply.error) sendJson(res, reply.error.status, reply.error.body, reply.error.headers);
    else await sendFrames(res, geminiFrames(reply, requests.length), reply);
  });
  return { url: `${server.origin}/v1beta`, requests, problems, close: () => server.close() };
}

const FAKE_GEMINI_MODELS = [
  {
    name: 'models/gemini-2.5-flash',
    displayName: 'Gemini 2.5 Flash',
    inputTokenLimit: 1_048_576,
    outputTokenLimit: 65_536,
    supportedGenerationMethods: ['generateContent', 'countTokens'],
    thinking: true,
  },
  {
    name: 'models/gemini-embedding-001',
    supportedGenerationMethods: ['embedContent'],
    inputTokenLimit: 2048,
  },
];

/** A function response must answer the calls of the content right before it. */
function checkContents(body: Readonly<Record<string, unknown>>): string | null {
  const contents = listOf(body['contents']);
  let open = 0;
  for (const content of contents) {
    const parts = listOf(content['parts']);
    if (parts.length === 0) return 'contents.parts must not be empty';
    open -= parts.filter((part) => 'functionResponse' in part).length;
    if (open < 0) return 'function response without a function call';
    if (content['role'] === 'model') open += parts.filter((part) => 'functionCall' in part).length;
  }
  return open > 0 ? 'function call without a function response' : null;
}

function geminiFrames(reply: FakeGeminiReply, n: number): string[] {
  const usageMetadata = { promptTokenCount: 100, cachedContentTokenCount: 40, candidatesTokenCount: 20, thoughtsTokenCount: 5, totalTokenCount: 125 }; // prettier-ignore
  const responseId = `gemini-fake${n}`;
  const frames = (reply.parts ?? []).map((part) =>
    data({ responseId, candidates: [{ content: { role: 'model', parts: [part] }, index: 0 }] }),
  );
  if (reply.streamError) frames.push(data({ error: reply.streamError }));
  if (reply.blockReason !== undefined)
    frames.push(data({ promptFeedback: { blockReason: reply.blockReason }, usageMetadata }));
  else if (reply.finishReason !== null) {
    frames.push(
      data({
        responseId,
        candidates: [{ finishReason: reply.finishReason ?? 'STOP', index: 0 }],
        usageMetadata,
      }),
    );
  }
  return frames;
}

const listOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];
