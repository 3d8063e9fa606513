import Letta from '@letta-ai/letta-client';
import type { FakeOpenAi } from '../support/fake-openai';
import { directiveScript, type FakeReply, type FakeRequest } from '../support/fake-openai-script';
import { runPython } from '../support/python-sdk';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';
import { until } from '../support/started';

// Messages that meet a turn in progress: refused, queued, read by that turn, or in its place.

let database: TestDatabase;
let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;
let agentId: string;

/** A message with `HOLD name` is answered when the test says so, one with `HOLD name AFTER n` once it has n results. */
const held = new Map<string, () => void>();
const broke = new Set<string>();
async function script(request: FakeRequest): Promise<FakeReply> {
  const results = request.turns.filter(({ role }) => role === 'tool').length;
  for (const { text } of request.turns) {
    const [, name, after = '0'] = /HOLD (\S+)(?: AFTER (\d+))?/.exec(text) ?? [];
    if (name === undefined || held.has(name) || results < Number(after)) continue;
    await new Promise<void>((release) => held.set(name, release));
  }
  // The model fails once: whoever asks it after that is answered.
  const broken = request.turns.at(-1)?.text;
  if (broken?.startsWith('BREAK') && !broke.has(broken)) {
    broke.add(broken);
    return { error: { status: 400 } };
  }
  const isSlow = request.turns.some(({ role, text }) => role === 'user' && text.includes('SLOW'));
  return { ...directiveScript(request), ...(isSlow && { frameDelayMs: 20 }) };
}
const reached = (name: string) =>
  until(
    () => held.has(name),
    30_000,
    () => `${name} was not asked`,
  );
const release = (name: string) => held.get(name)?.();

beforeAll(async () => {
  server = await startLiveServer({ script, roles: SPLIT });
  ({ database, fake } = server);
  client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  for (const name of held.keys()) release(name);
  await server.stop();
});
beforeEach(async () => {
  const memory_blocks = [{ label: 'human', value: 'nothing known' }];
  agentId = (await client.agents.create({ model: 'openai/gpt-4.1', memory_blocks })).id;
});
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

type Strategy = 'reject' | 'enqueue' | 'steer' | 'interrupt' | 'rollback';
/** The SDK's types know nothing of `multitask_strategy`; it passes the field on. */
const bodyOf = (input: string, strategy?: Strategy) => ({
  input,
  ...(strategy && { multitask_strategy: strategy }),
});
const send = (input: string, strategy?: Strategy) =>
  client.agents.messages.create(agentId, bodyOf(input, strategy));
const sendAsync = (input: string, strategy?: Strategy) =>
  client.agents.messages.createAsync(agentId, bodyOf(input, strategy));
const said = (messages: readonly object[]): string =>
  messages
    .flatMap((message) =>
      'content' in message && typeof message.content === 'string' ? [message.content] : [],
    )
    .join('');
const isOver = async (runId: string): Promise<boolean> =>
  !['created', 'running'].includes((await client.runs.retrieve(runId)).status ?? '');
const over = (runId: string) =>
  until(
    () => isOver(runId),
    30_000,
    () => `${runId} did not end`,
  );

/** The thread as `role: text`, calls and results by their names. */
async function transcript(): Promise<readonly string[]> {
  const { rows } = await database.pool.query<{ line: string }>(
    `select role || ': ' || coalesce(parts -> 0 ->> 'text', parts -> 0 ->> 'name') as line from messages
      where conversation_id = $1 and in_context and role not in ('system', 'note') order by seq`,
    [agentId],
  );
  return rows.map(({ line }) => line);
}

/** The frames of a whole run, as text. */
async function framesOf(runId: string): Promise<readonly string[]> {
  const response = await fetch(`${server.url}/v1/runs/${runId}/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ starting_after: 0 }),
  });
  return (await response.text()).split('\n\n').filter((frame) => frame !== '');
}
const receiptsOf = async (runId: string): Promise<readonly unknown[]> =>
  (await framesOf(runId)).flatMap((frame) =>
    frame.startsWith('event: receipt\n') ? [JSON.parse(frame.slice(frame.indexOf('{')))] : [],
  );

const REMEMBER = `CALL memory_insert {"label":"human","new_string":"likes tea"}`;

it('fifty messages at once are answered one after the other, each by a run of its own', async () => {
  const numbers = Array.from({ length: 50 }, (_, index) => index);

  const answers = await Promise.all(numbers.map((number) => send(`SAY answer ${number}.`)));

  expect(answers.map(({ messages }) => said(messages))).toEqual(numbers.map((number) => `answer ${number}.`));
  const lines = await transcript();
  const asked = lines.filter((line) => line.startsWith('user'));
  expect(lines).toEqual(asked.flatMap((line) => [line, `assistant: ${line.replace('user: SAY ', '')}`]));
  expect([...asked].sort()).toEqual(numbers.map((number) => `user: SAY answer ${number}.`).sort());
  const { rows } = await database.pool.query<{ text: string }>(
    `select request -> 'messages' -> 0 -> 'parts' -> 0 ->> 'text' as text from runs
      where agent_id = $1 and status = 'completed' order by queue_seq`,
    [agentId],
  );
  // Of those that find nobody at work any may begin; the rest follow as they were stored.
  const stored = rows.map(({ text }) => `user: ${text}`);
  expect(asked.slice(1)).toEqual(stored.filter((line) => line !== asked[0]));
});

it('a message that waited is told at which step it was read; one that met nobody and asked for nothing is not', async () => {
  const first = await sendAsync('HOLD receipts\nSAY first');
  await reached('receipts');
  const second = await sendAsync('SAY second');
  release('receipts');
  await over(second.id);

  expect(await receiptsOf(first.id)).toEqual([]);
  expect(await receiptsOf(second.id)).toEqual([
    {
      message_type: 'receipt',
      run_id: second.id,
      message_id: expect.stringMatching(/^message-/) as unknown,
      otid: expect.any(String) as unknown,
      strategy: 'enqueue',
      seen_at_step: 0,
      seq_id: 2,
    },
  ]);
});

it('reject refuses while a turn is in progress, with the run that is in the way, and not otherwise', async () => {
  const first = await sendAsync('HOLD rejected\nSAY first', 'reject');
  await reached('rejected');

  const refused = send('SAY second', 'reject');

  await expect(refused).rejects.toMatchObject({ status: 409 });
  await expect(refused).rejects.toThrow(first.id);
  release('rejected');
  await over(first.id);
  expect(await transcript()).toEqual(['user: HOLD rejected\nSAY first', 'assistant: first']);
});

it('an unknown strategy is refused with 422 and the five that exist', async () => {
  const refused = client.agents.messages.create(agentId, {
    ...bodyOf('SAY no'),
    multitask_strategy: 'shout',
  } as Parameters<Letta['agents']['messages']['create']>[1]);

  await expect(refused).rejects.toMatchObject({ status: 422 });
  await expect(refused).rejects.toThrow(/reject.*enqueue.*steer.*interrupt.*rollback/);
});

it('a conversation rejects unless the message says otherwise', async () => {
  const conversation = await client.conversations.create({ agent_id: agentId });
  const say = async (input: string, strategy?: Strategy) => {
    const frames: object[] = [];
    const body = bodyOf(input, strategy);
    for await (const frame of await client.conversations.messages.create(conversation.id, body))
      frames.push(frame);
    return said(frames);
  };
  const first = say('HOLD conversation\nSAY first');
  await reached('conversation');

  await expect(say('SAY second')).rejects.toMatchObject({ status: 409 });
  const queued = say('SAY third', 'enqueue');
  await until(async () => (await client.runs.list({ agent_id: agentId })).getPaginatedItems().length === 2);
  release('conversation');

  await first;
  expect(await queued).toBe('third');
});

it('a steered message is read at the next step of the turn in progress, and its run gets what follows', async () => {
  const host = await sendAsync(`HOLD steer\n${REMEMBER}\nTHEN\nSAY never said`);
  await reached('steer');
  const steered = send('SAY about the other thing', 'steer');
  const runs = async () => (await client.runs.list({ agent_id: agentId, order: 'asc' })).getPaginatedItems();
  await until(async () => (await runs()).length === 2);
  release('steer');

  const answer = await steered;

  expect(said(answer.messages)).toBe('about the other thing');
  expect(answer.stop_reason.stop_reason).toBe('end_turn');
  const [first, second] = await runs();
  expect(first).toMatchObject({ id: host.id, status: 'completed', stop_reason: 'end_turn' });
  expect(second).toMatchObject({
    status: 'completed',
    stop_reason: 'end_turn',
    metadata: { joined_run_id: host.id, joined_at_step: 1 },
  });
  expect(await transcript()).toEqual([
    `user: HOLD steer\n${REMEMBER}\nTHEN\nSAY never said`,
    'assistant: memory_insert',
    'tool: memory_insert',
    'user: SAY about the other thing',
    'assistant: about the other thing',
  ]);
  expect(await receiptsOf(second?.id ?? '')).toMatchObject([
    { strategy: 'steer', seen_at_step: 1, joined_run_id: host.id },
  ]);
  const [hostFrames, ownFrames] = await Promise.all([framesOf(host.id), framesOf(second?.id ?? '')]);
  const reply = hostFrames.findIndex((frame) => frame.includes('about the other thing'));
  const unnumbered = (frame: string) => frame.replace(/"seq_id": ?(\d+|null)/, '');
  expect(ownFrames.slice(2, 4).map(unnumbered)).toEqual(hostFrames.slice(reply, reply + 2).map(unnumbered));
  expect(ownFrames.at(-1)).toBe('data: [DONE]');
});

it('a steered message that meets nobody is a turn of its own', async () => {
  const run = await sendAsync('SAY alone', 'steer');
  await over(run.id);

  expect(await transcript()).toEqual(['user: SAY alone', 'assistant: alone']);
  expect(await receiptsOf(run.id)).toMatchObject([{ strategy: 'steer', seen_at_step: 0 }]);
});

it('a steered message that no step reads any more is the next turn', async () => {
  const host = await sendAsync('HOLD last\nSAY the last word');
  await reached('last');
  const steered = await sendAsync('SAY after it', 'steer');
  release('last');
  await over(steered.id);

  expect((await client.runs.retrieve(host.id)).status).toBe('completed');
  expect(await transcript()).toEqual([
    'user: HOLD last\nSAY the last word',
    'assistant: the last word',
    'user: SAY after it',
    'assistant: after it',
  ]);
  expect(await receiptsOf(steered.id)).toMatchObject([{ strategy: 'steer', seen_at_step: 0 }]);
});

it('a steered message outlives the worker that had read it', async () => {
  const host = await sendAsync(`HOLD killed\n${REMEMBER}`);
  await reached('killed');
  const steered = await sendAsync('HOLD steered\nSAY still here', 'steer');
  release('killed');
  await reached('steered');

  await server.worker.kill('SIGKILL');
  await server.start('worker');
  await over(steered.id);

  expect(await transcript()).toEqual([
    `user: HOLD killed\n${REMEMBER}`,
    'assistant: memory_insert',
    'tool: memory_insert',
    'user: HOLD steered\nSAY still here',
    'assistant: still here',
  ]);
  expect((await client.runs.retrieve(host.id)).status).toBe('completed');
  expect((await receiptsOf(steered.id)).length).toBe(1);
});

it('a steered message whose step fails gets a turn of its own', async () => {
  const host = await sendAsync(`HOLD failing\n${REMEMBER}`);
  await reached('failing');
  const steered = await sendAsync('BREAK once\nSAY I am here', 'steer');
  release('failing');
  await over(steered.id);

  expect((await client.runs.retrieve(host.id)).status).toBe('failed');
  expect(await client.runs.retrieve(steered.id)).toMatchObject({ status: 'completed', metadata: expect.not.objectContaining({ joined_run_id: host.id }) as unknown }); // prettier-ignore
  expect((await transcript()).slice(3)).toEqual(['user: BREAK once\nSAY I am here', 'assistant: I am here']);
  expect(await receiptsOf(steered.id)).toMatchObject([
    { seen_at_step: 1, joined_run_id: host.id },
    { seen_at_step: 0 },
  ]);
});

it('cancelling a steered message cancels the turn that reads it', async () => {
  const host = await sendAsync(`HOLD before\n${REMEMBER}`);
  await reached('before');
  const steered = await sendAsync('HOLD reading\nSAY never', 'steer');
  release('before');
  await reached('reading');

  const answer = await client.agents.messages.cancel(agentId, { run_ids: [steered.id] });

  expect(answer).toEqual({ [steered.id]: 'cancelled' });
  await Promise.all([over(host.id), over(steered.id)]);
  expect((await client.runs.retrieve(host.id)).status).toBe('cancelled');
  expect((await client.runs.retrieve(steered.id)).status).toBe('cancelled');
});

it('interrupt stops the turn, keeps what it did and said, and is answered next', async () => {
  const text = 'a long story '.repeat(400);
  const stream = await client.agents.messages.create(agentId, {
    input: `${REMEMBER}\nTHEN\nSAY ${text}\nSLOW`,
    streaming: true,
    stream_tokens: true,
    background: true,
  });
  const frames: { message_type?: string; content?: string; run_id?: string; stop_reason?: string }[] = [];
  const reading = (async () => {
    for await (const frame of stream) frames.push(frame as (typeof frames)[number]); // as the SDK parsed it
  })();
  await until(() => frames.some((frame) => frame.message_type === 'assistant_message'));

  const answer = await send('SAY short', 'interrupt');
  await reading;

  expect(said(answer.messages)).toBe('short');
  expect(frames).toContainEqual({ message_type: 'stop_reason', stop_reason: 'cancelled' });
  const read = frames.flatMap((frame) => (frame.message_type === 'assistant_message' ? [frame.content] : []));
  expect(await transcript()).toEqual([
    `user: ${REMEMBER}\nTHEN\nSAY ${text}\nSLOW`,
    'assistant: memory_insert',
    'tool: memory_insert',
    `assistant: ${read.join('')}`,
    'user: SAY short',
    'assistant: short',
  ]);
});

it('interrupt keeps a message that had no answer yet', async () => {
  const first = await sendAsync('HOLD unanswered\nSAY nothing');
  await reached('unanswered');

  const answer = await send('SAY instead', 'interrupt');

  expect(said(answer.messages)).toBe('instead');
  expect(await client.runs.retrieve(first.id)).toMatchObject({
    status: 'cancelled',
    metadata: { interrupted_by: expect.stringMatching(/^run-/) as unknown },
  });
  expect(await transcript()).toEqual([
    'user: HOLD unanswered\nSAY nothing',
    'user: SAY instead',
    'assistant: instead',
  ]);
});

it('messages that wait keep their place when another one interrupts', async () => {
  await sendAsync('HOLD busy\nSAY nothing');
  await reached('busy');
  const waiting = send('SAY waited');
  await until(async () => (await client.runs.list({ agent_id: agentId })).getPaginatedItems().length === 2);

  const answer = await send('SAY interrupted', 'interrupt');

  expect(said(answer.messages)).toBe('interrupted');
  expect(said((await waiting).messages)).toBe('waited');
  expect((await transcript()).slice(1)).toEqual([
    'user: SAY waited',
    'assistant: waited',
    'user: SAY interrupted',
    'assistant: interrupted',
  ]);
});

it('rollback takes the turn out of the thread; what it did to memory stays and is told', async () => {
  await send('SAY before');
  const first = await sendAsync(`${REMEMBER}\nTHEN\nHOLD rolled AFTER 1\nSAY nothing`);
  await reached('rolled');
  await until(async () => (await transcript()).length === 5);

  const answer = await send('SAY instead', 'rollback');

  expect(said(answer.messages)).toBe('instead');
  expect(await transcript()).toEqual([
    'user: SAY before',
    'assistant: before',
    'user: SAY instead',
    'assistant: instead',
  ]);
  expect(await client.runs.retrieve(first.id)).toMatchObject({
    status: 'cancelled',
    metadata: { rolled_back_by: expect.stringMatching(/^run-/) as unknown },
  });
  const last = fake.requests.at(-1)?.raw.toString() ?? '';
  expect(last).toContain('likes tea');
  expect(last).not.toContain('rolled AFTER');
});

it('a hundred messages of all kinds at random moments leave a whole thread and no run behind', async () => {
  const random = seededRandom(7);
  const strategies: readonly Strategy[] = ['enqueue', 'steer', 'interrupt', 'rollback', 'steer', 'enqueue'];
  const sent = await Promise.all(
    Array.from({ length: 100 }, async (_, number) => {
      const strategy = strategies[Math.floor(random() * strategies.length)] ?? 'enqueue';
      const wait = random() * 3_000;
      await new Promise((resolve) => setTimeout(resolve, wait));
      const run = await sendAsync(`DELAY 20\n${REMEMBER}\nTHEN\nSAY answer ${number}.`, strategy);
      return { number, strategy, id: run.id };
    }),
  );
  for (const { id } of sent) await over(id);

  const runs = await Promise.all(sent.map(({ id }) => client.runs.retrieve(id)));
  const lines = await transcript();
  const metadataOf = (at: number) => (runs[at]?.metadata ?? {}) as Record<string, unknown>;
  const isDropped = (at: number): boolean => {
    const { rolled_back_by: by, joined_run_id: joined } = metadataOf(at);
    const host = runs.findIndex(({ id }) => id === joined);
    return by !== undefined || (host >= 0 && isDropped(host));
  };
  const times = sent.map(({ number }) => lines.filter((line) => line.startsWith('user') && line.endsWith(`answer ${number}.`)).length); // prettier-ignore
  expect(times).toEqual(sent.map((_, at) => (isDropped(at) ? 0 : 1)));
  expect(new Set(runs.map(({ status }) => status))).toEqual(new Set(['completed', 'cancelled']));
  const stopped = runs.map((_, at) => isDropped(at) || metadataOf(at)['interrupted_by'] !== undefined);
  const unexplained = runs.filter(({ status }, at) => status === 'cancelled' && !stopped[at] && metadataOf(at)['joined_run_id'] === undefined); // prettier-ignore
  expect(unexplained).toEqual([]);
  const calls = lines.filter((line) => line.startsWith('assistant: memory_insert')).length;
  expect(lines.filter((line) => line.startsWith('tool: memory_insert')).length).toBe(calls);
});

/** Mulberry32: the same numbers for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

it('is the same through the Python SDK', async () => {
  const lines = await runPython('inbox.py', server.url, agentId);

  expect(lines).toEqual([
    'refused: 409',
    'enqueue: enqueued',
    'interrupt: interrupted',
    'rollback: rolled back',
    'steer: steered',
  ]);
});
