import { isRecord } from '../../llm/is-record';

/** One reply of the fake. Everything left out takes a harmless default. */
export interface FakeReply {
  readonly text?: string;
  readonly reasoning?: string;
  readonly refusal?: string;
  readonly toolCalls?: readonly FakeToolCall[];
  readonly finish?: 'stop' | 'length' | 'content_filter' | 'tool_calls';
  /** Waits this long before the first byte. */
  readonly delayMs?: number;
  /** Waits this long before each frame after the first. */
  readonly frameDelayMs?: number;
  /** Answers with this status instead of a reply. */
  readonly error?: {
    readonly status: number;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  };
  /** Destroys the connection after so many frames. */
  readonly cutAfter?: number;
  /** Ends the response properly, but after so many frames. */
  readonly endAfter?: number;
  /** Characters per delta (default 16). */
  readonly chunkSize?: number;
  readonly usage?: false | Readonly<Record<string, unknown>>;
  /** Sent instead of the frames made from the fields above; each is one `data:` line. */
  readonly rawFrames?: readonly unknown[];
}
export interface FakeToolCall {
  readonly name: string;
  /** An object is sent as JSON, a string as it is. */
  readonly arguments: string | Readonly<Record<string, unknown>>;
  /** Made up when left out; the empty string is sent as it is. */
  readonly id?: string;
}

/** What a script sees of a request, whichever API it came through. */
export interface FakeRequest {
  readonly api: 'chat' | 'responses';
  readonly model: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly system: string;
  readonly turns: readonly FakeTurn[];
}
export interface FakeTurn {
  readonly role: 'user' | 'assistant' | 'tool';
  readonly text: string;
  readonly calls: number;
}
export type FakeScript = (request: FakeRequest, n: number) => FakeReply | Promise<FakeReply>;

/**
 * The default script. A user message may hold directives, one a line; all others are greeted.
 * `SAY text` · `THINK text` · `CALL tool {json}` (several make parallel calls) · `THEN` starts the next step ·
 * `REPEAT n CALL tool {json}` makes n steps of one call · `MEMORY label` says the value of a memory block ·
 * `DELAY ms` · `ERR status` · `CUT frames`. Directives of a step are carried out together; after the last step the
 * fake says how many tool results it saw.
 */
export function directiveScript(request: FakeRequest): FakeReply {
  const { turns } = request;
  const turnStart = turns.findLastIndex((turn) => turn.role === 'assistant' && turn.calls === 0) + 1;
  const current = turns.slice(turnStart);
  const users = current.filter((turn) => turn.role === 'user');
  const message =
    users.findLast((turn) => DIRECTIVE.test(turn.text)) ?? users.at(-1) ?? turns.findLast(isUser);
  const after = message ? current.slice(current.indexOf(message) + 1) : current;
  const stepsDone = after.filter((turn) => turn.role === 'assistant').length;
  const results = after.filter((turn) => turn.role === 'tool').length;
  const text = message?.text ?? '';
  if (!DIRECTIVE.test(text)) {
    if (results > 0) return { text: `Done. I saw ${results} tool result(s).` };
    return { text: `Hello! I am the fake model and you said: ${text}` };
  }
  const step = stepsOf(text)[stepsDone];
  if (!step) return { text: `Done. I saw ${results} tool result(s).` };
  return replyOf(step, request.system);
}

const isUser = (turn: FakeTurn): boolean => turn.role === 'user';
const DIRECTIVE = /^(SAY|THINK|CALL|THEN|REPEAT|MEMORY|DELAY|ERR|CUT)\b/m;

function stepsOf(text: string): string[][] {
  const steps: string[][] = [[]];
  for (const line of text.split('\n')) {
    const repeat = /^REPEAT (\d+) (.*)$/.exec(line);
    if (line === 'THEN') steps.push([]);
    else if (repeat) {
      const copies = Array.from({ length: Number(repeat[1]) }, () => [repeat[2] ?? '']);
      if (steps.at(-1)?.length === 0) steps.pop();
      steps.push(...copies);
    } else if (DIRECTIVE.test(line)) steps.at(-1)?.push(line);
  }
  return steps;
}

function replyOf(lines: readonly string[], system: string): FakeReply {
  const after = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const said = [...after('SAY'), ...after('MEMORY').map((label) => blockValue(system, label.trim()))];
  const toolCalls = after('CALL').map((call) => {
    const [name = '', ...args] = call.split(' ');
    return { name, arguments: args.join(' ') || '{}' };
  });
  const [status, cut, delay] = [after('ERR')[0], after('CUT')[0], after('DELAY')[0]];
  return {
    ...(said.length > 0 && { text: said.join('\n') }),
    ...(after('THINK').length > 0 && { reasoning: after('THINK').join('\n') }),
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(said.length === 0 && toolCalls.length === 0 && { text: 'Done.' }),
    ...(delay !== undefined && { delayMs: Number(delay) }),
    ...(cut !== undefined && { cutAfter: Number(cut) }),
    ...(status !== undefined && { error: { status: Number(status) } }),
  };
}

function blockValue(system: string, label: string): string {
  const value = new RegExp(
    `<${label}>[\\s\\S]*?<value>\\n?([\\s\\S]*?)\\n?</value>[\\s\\S]*?</${label}>`,
  ).exec(system);
  return value?.[1] ?? `there is no block ${label}`;
}

/** Reads a request of either API into turns. */
export function readFakeRequest(
  api: FakeRequest['api'],
  body: Readonly<Record<string, unknown>>,
): FakeRequest {
  const items = listOf(body[api === 'chat' ? 'messages' : 'input']);
  const system = items.filter((item) => item['role'] === 'system' || item['role'] === 'developer');
  return {
    api,
    model: String(body['model']),
    body,
    system: system.map((item) => textOf(item['content'])).join('\n'),
    turns: api === 'chat' ? chatTurns(items) : responsesTurns(items),
  };
}

function chatTurns(items: readonly Record<string, unknown>[]): FakeTurn[] {
  return items.flatMap((item): FakeTurn[] => {
    const role = item['role'];
    if (role !== 'user' && role !== 'assistant' && role !== 'tool') return [];
    return [{ role, text: textOf(item['content']), calls: listOf(item['tool_calls']).length }];
  });
}

/** The items of one reply, which the Responses API lists one by one, are one turn again. */
function responsesTurns(items: readonly Record<string, unknown>[]): FakeTurn[] {
  const turns: FakeTurn[] = [];
  for (const item of items) {
    const type = item['type'];
    if (type === 'function_call_output') turns.push({ role: 'tool', text: textOf(item['output']), calls: 0 });
    else if (item['role'] === 'user') turns.push({ role: 'user', text: textOf(item['content']), calls: 0 });
    else if (type === 'reasoning' || type === 'function_call' || item['role'] === 'assistant') {
      const last = turns.at(-1);
      const isSame = last?.role === 'assistant';
      const before = isSame ? last : { role: 'assistant' as const, text: '', calls: 0 };
      if (isSame) turns.pop();
      const calls = before.calls + (type === 'function_call' ? 1 : 0);
      turns.push({ ...before, text: before.text + textOf(item['content']), calls });
    }
  }
  return turns;
}

const listOf = (value: unknown): Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map((part) => (typeof part['text'] === 'string' ? part['text'] : ''))
    .join('');
}
