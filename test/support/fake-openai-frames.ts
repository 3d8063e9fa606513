import type { FakeReply, FakeRequest } from './fake-openai-script';

interface Context {
  readonly request: FakeRequest;
  readonly n: number;
  /** Length of the request body, for made-up token counts. */
  readonly bytes: number;
}
interface Call {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

const CREATED = 1_700_000_000;

function callsOf(reply: FakeReply, n: number): Call[] {
  return (reply.toolCalls ?? []).map((call, index) => ({
    id: call.id ?? `call_fake${n}_${index}`,
    name: call.name,
    arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
  }));
}

const pieces = (text: string, size: number): string[] => text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];

function tokens({ bytes }: Context, reply: FakeReply) {
  const said = (reply.text ?? '').length + JSON.stringify(reply.toolCalls ?? []).length;
  return {
    input: Math.ceil(bytes / 4),
    output: Math.ceil(said / 4),
    reasoning: Math.ceil((reply.reasoning ?? '').length / 4),
  };
}

const finishOf = (reply: FakeReply): string =>
  reply.finish ?? (reply.toolCalls?.length ? 'tool_calls' : 'stop');

function chatUsage(context: Context, reply: FakeReply) {
  const { input, output, reasoning } = tokens(context, reply);
  return {
    prompt_tokens: input,
    completion_tokens: output + reasoning,
    total_tokens: input + output + reasoning,
    prompt_tokens_details: { cached_tokens: Math.floor(input / 2) },
    completion_tokens_details: { reasoning_tokens: reasoning },
    ...(typeof reply.usage === 'object' ? reply.usage : {}),
  };
}

/** The `data:` frames of a streamed chat reply. */
export function chatFrames(reply: FakeReply, context: Context): string[] {
  const { request, n } = context;
  const size = reply.chunkSize ?? 16;
  const head = {
    id: `chatcmpl-fake${n}`,
    object: 'chat.completion.chunk',
    created: CREATED,
    model: request.model,
  };
  const frame = (delta: unknown, finish: string | null = null) =>
    data({ ...head, choices: [{ index: 0, delta, finish_reason: finish }] });
  const frames = [frame({ role: 'assistant', content: '' })];
  for (const text of pieces(reply.reasoning ?? '', size)) frames.push(frame({ reasoning_content: text }));
  for (const text of pieces(reply.text ?? '', size)) frames.push(frame({ content: text }));
  for (const text of pieces(reply.refusal ?? '', size)) frames.push(frame({ refusal: text }));
  const calls = callsOf(reply, n);
  calls.forEach(({ id, name }, index) => {
    frames.push(frame({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }));
  });
  // Arguments of parallel calls arrive interleaved.
  const parts = calls.map((call) => pieces(call.arguments, size));
  for (let at = 0; at < Math.max(0, ...parts.map((part) => part.length)); at++) {
    parts.forEach((part, index) => {
      const text = part[at];
      if (text !== undefined) frames.push(frame({ tool_calls: [{ index, function: { arguments: text } }] }));
    });
  }
  frames.push(frame({}, finishOf(reply)));
  if (reply.usage !== false) frames.push(data({ ...head, choices: [], usage: chatUsage(context, reply) }));
  frames.push('data: [DONE]\n\n');
  return frames;
}

/** The body of a chat reply that was not streamed. */
export function chatBody(reply: FakeReply, context: Context): unknown {
  const calls = callsOf(reply, context.n);
  const message = {
    role: 'assistant',
    content: reply.text ?? null,
    refusal: reply.refusal ?? null,
    ...(calls.length > 0 && {
      tool_calls: calls.map(({ id, ...call }) => ({ id, type: 'function', function: call })),
    }),
  };
  return {
    id: `chatcmpl-fake${context.n}`,
    object: 'chat.completion',
    created: CREATED,
    model: context.request.model,
    choices: [{ index: 0, message, finish_reason: finishOf(reply) }],
    usage: chatUsage(context, reply),
  };
}

function responseUsage(context: Context, reply: FakeReply) {
  const { input, output, reasoning } = tokens(context, reply);
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: Math.floor(input / 2) },
    output_tokens: output + reasoning,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output + reasoning,
  };
}

/** The frames of a streamed Responses reply: names, order and shape of the real events. */
export function responsesFrames(reply: FakeReply, context: Context): string[] {
  const { n, request } = context;
  const size = reply.chunkSize ?? 16;
  const frames: string[] = [];
  const output: unknown[] = [];
  const emit = (type: string, event: Readonly<Record<string, unknown>>) => {
    frames.push(`event: ${type}\n${data({ type, sequence_number: frames.length, ...event })}`);
  };
  const response = (fields: Readonly<Record<string, unknown>>) => ({
    response: {
      id: `resp_fake${n}`,
      object: 'response',
      created_at: CREATED,
      model: request.model,
      output: [],
      ...fields,
    },
  });
  const item = (
    fields: Readonly<Record<string, unknown>>,
    body: (at: object) => Readonly<Record<string, unknown>>,
  ) => {
    const output_index = output.length;
    emit('response.output_item.added', { output_index, item: { ...fields, status: 'in_progress' } });
    const done = { ...fields, ...body({ output_index, item_id: fields['id'] }), status: 'completed' };
    output.push(done);
    emit('response.output_item.done', { output_index, item: done });
  };
  emit('response.created', response({ status: 'in_progress' }));
  emit('response.in_progress', response({ status: 'in_progress' }));
  const reasoning = reply.reasoning ?? ('reasoning' in request.body ? 'Thinking it over.' : undefined);
  if (reasoning !== undefined) {
    item({ id: `rs_fake${n}`, type: 'reasoning', summary: [] }, (at) => {
      const summary = reasoning.split('\n\n').filter(Boolean);
      summary.forEach((text, summary_index) => {
        emit('response.reasoning_summary_part.added', {
          ...at,
          summary_index,
          part: { type: 'summary_text', text: '' },
        });
        for (const delta of pieces(text, size))
          emit('response.reasoning_summary_text.delta', { ...at, summary_index, delta });
        emit('response.reasoning_summary_text.done', { ...at, summary_index, text });
      });
      const encrypted = `enc:${Buffer.from(reasoning).toString('base64')}`;
      return {
        summary: summary.map((text) => ({ type: 'summary_text', text })),
        encrypted_content: encrypted,
      };
    });
  }
  const said = reply.refusal ?? reply.text;
  if (said !== undefined) {
    const isRefusal = reply.refusal !== undefined;
    item({ id: `msg_fake${n}`, type: 'message', role: 'assistant', content: [] }, (at) => {
      const where = { ...at, content_index: 0 };
      const part = isRefusal
        ? { type: 'refusal', refusal: said }
        : { type: 'output_text', text: said, annotations: [] };
      emit('response.content_part.added', { ...where, part });
      const delta = isRefusal ? 'response.refusal.delta' : 'response.output_text.delta';
      for (const text of pieces(said, size)) emit(delta, { ...where, delta: text });
      emit('response.content_part.done', { ...where, part });
      return { content: [part] };
    });
  }
  callsOf(reply, n).forEach((call, index) => {
    const fields = { id: `fc_fake${n}_${index}`, type: 'function_call', call_id: call.id, name: call.name };
    item({ ...fields, arguments: '' }, (at) => {
      for (const delta of pieces(call.arguments, size))
        emit('response.function_call_arguments.delta', { ...at, delta });
      emit('response.function_call_arguments.done', { ...at, name: call.name, arguments: call.arguments });
      return { arguments: call.arguments };
    });
  });
  const reason = { length: 'max_output_tokens', content_filter: 'content_filter' }[finishOf(reply)];
  const status = reason === undefined ? 'completed' : 'incomplete';
  const end = {
    status,
    output,
    incomplete_details: reason === undefined ? null : { reason },
    ...(reply.usage !== false && { usage: responseUsage(context, reply) }),
  };
  emit(`response.${status}`, response(end));
  return frames;
}

/** The body of a Responses reply that was not streamed: the response of its last frame. */
export function responsesBody(reply: FakeReply, context: Context): unknown {
  const last = responsesFrames(reply, context).at(-1) ?? '';
  const event = JSON.parse(last.slice(last.indexOf('data: ') + 6)) as { response: unknown };
  return event.response;
}

/** One server-sent event without a name. */
export const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
