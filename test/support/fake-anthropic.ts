import { isRecord } from '../../llm/is-record';
import { sendFrames, sendJson, startFakeServer, waitMs } from './fake-server';

export interface FakeClaudeReply {
  readonly thinking?: { readonly text: string; readonly signature: string };
  readonly redactedThinking?: string;
  readonly text?: string;
  readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly stopReason?: string;
  readonly error?: {
    readonly status: number;
    readonly body: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** An error event in the middle of the stream, after the text. */
  readonly streamError?: { readonly type: string; readonly message: string };
  readonly cutAfter?: number;
  readonly endAfter?: number;
  readonly delayMs?: number;
}
export interface FakeAnthropic {
  /** Base URL with `/v1`. */
  readonly url: string;
  readonly requests: readonly Readonly<Record<string, unknown>>[];
  readonly problems: readonly string[];
  close(): Promise<void>;
}

/** Anthropic's Messages API, as far as the adapter uses it. Replies are served in order, the last one for ever. */
export async function startFakeAnthropic(replies: readonly FakeClaudeReply[]): Promise<FakeAnthropic> {
  const requests: Readonly<Record<string, unknown>>[] = [];
  const problems: string[] = [];
  const server = await startFakeServer(async ({ method, path, raw, res }) => {
    if (method === 'GET' && path.startsWith('/v1/models')) {
      sendJson(res, 200, {
        data: [{ id: 'claude-sonnet-4-5', display_name: 'Claude Sonnet 4.5', type: 'model' }],
        has_more: false,
      });
      return;
    }
    if (method !== 'POST' || path !== '/v1/messages') {
      sendJson(res, 404, failure('not_found_error', `no route ${path}`));
      return;
    }
    const body = JSON.parse(raw.toString()) as Record<string, unknown>; // The adapter sends objects.
    const reply = replies[Math.min(requests.length, replies.length - 1)] ?? {};
    requests.push(body);
    const problem = checkMessages(body);
    if (problem !== null) {
      problems.push(problem);
      sendJson(res, 400, failure('invalid_request_error', problem));
      return;
    }
    if (reply.delayMs !== undefined) await waitMs(reply.delayMs);
    if (reply.error) sendJson(res, reply.error.status, reply.error.body, reply.error.headers);
    else await sendFrames(res, claudeFrames(reply, requests.length), reply);
  });
  return { url: `${server.origin}/v1`, requests, problems, close: () => server.close() };
}

const failure = (type: string, message: string) => ({ type: 'error', error: { type, message } });

/** Claude's own rules: results follow their calls at once, thinking is signed, no blank text, thinking first in a loop. */
function checkMessages(body: Readonly<Record<string, unknown>>): string | null {
  const messages = listOf(body['messages']);
  for (const [at, message] of messages.entries()) {
    const content = listOf(message['content']);
    if (content.length === 0) return `messages.${at}: content is empty`;
    const calls = content.filter((block) => block['type'] === 'tool_use').map((block) => block['id']);
    const answers = listOf(messages[at + 1]?.['content']).map((block) => block['tool_use_id']);
    if (calls.some((id) => !answers.includes(id)))
      return `messages.${at}: tool_use ids were found without tool_result`;
    for (const block of content) {
      if (block['type'] === 'text' && String(block['text']).trim() === '')
        return 'text content blocks must be non-empty';
      if (block['type'] === 'thinking' && !/^sig-/.test(String(block['signature'])))
        return 'Invalid signature in thinking block';
    }
  }
  const thinks = isRecord(body['thinking']) && body['thinking']['type'] !== 'disabled';
  const choice = isRecord(body['tool_choice']) ? body['tool_choice']['type'] : undefined;
  if (thinks && (choice === 'any' || choice === 'tool'))
    return 'Thinking may not be enabled when tool_choice forces tool use';
  const last = listOf(messages.findLast((message) => message['role'] === 'assistant')?.['content']);
  const inLoop = listOf(messages.at(-1)?.['content']).some((block) => block['type'] === 'tool_result');
  if (thinks && inLoop && !/thinking$/.test(String(last[0]?.['type'])))
    return 'Expected `thinking` or `redacted_thinking`';
  return null;
}

function claudeFrames(reply: FakeClaudeReply, n: number): string[] {
  const frames: string[] = [];
  let index = 0;
  const emit = (type: string, fields: Readonly<Record<string, unknown>>) => {
    frames.push(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  };
  const block = (content: unknown, deltas: readonly unknown[]) => {
    emit('content_block_start', { index, content_block: content });
    for (const delta of deltas) emit('content_block_delta', { index, delta });
    emit('content_block_stop', { index });
    index += 1;
  };
  const usage = {
    input_tokens: 100,
    cache_read_input_tokens: 40,
    cache_creation_input_tokens: 10,
    output_tokens: 1,
  };
  const model = 'claude-sonnet-4-5';
  emit('message_start', { message: { id: `msg_fake${n}`, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null, usage } }); // prettier-ignore
  if (reply.thinking) {
    const { text, signature } = reply.thinking;
    const deltas = halves(text).map((thinking) => ({ type: 'thinking_delta', thinking }));
    block({ type: 'thinking', thinking: '', signature: '' }, [
      ...deltas,
      { type: 'signature_delta', signature },
    ]);
  }
  if (reply.redactedThinking !== undefined)
    block({ type: 'redacted_thinking', data: reply.redactedThinking }, []);
  if (reply.text !== undefined) {
    block(
      { type: 'text', text: '' },
      halves(reply.text).map((text) => ({ type: 'text_delta', text })),
    );
  }
  if (reply.streamError) emit('error', { error: reply.streamError });
  for (const { id, name, arguments: args } of reply.toolCalls ?? []) {
    const deltas = halves(args).map((partial_json) => ({ type: 'input_json_delta', partial_json }));
    block({ type: 'tool_use', id, name, input: {} }, deltas);
  }
  const stop = reply.stopReason ?? (reply.toolCalls ? 'tool_use' : 'end_turn');
  emit('message_delta', { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 25 } });
  emit('message_stop', {});
  return frames;
}

const halves = (text: string): string[] => {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== '');
};

const listOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];
