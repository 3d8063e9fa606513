import { startDoor, type Door } from '../support/door';
import type { FakeOpenAi, FakeRequest } from '../support/fake-openai';
import { call, createAgent, runEnd, sendAsync, transcript } from '../support/live-api';
import { startLiveServer, type LiveServer } from '../support/live-server';
import { until } from '../support/started';

const WORDS = Array.from({ length: 40 }, (_, n) => `word${n} `).join('');
let fake: FakeOpenAi;
let server: LiveServer;
let door: Door;
let url: string;
let onAsked: () => void = () => undefined;

beforeAll(async () => {
  server = await startLiveServer({ script: answer, roles: ['api'] });
  ({ fake, url } = server);
  door = await startDoor(server.database.url);
  await startWorker();
});
afterAll(async () => {
  await server.stop();
  await door.shut();
});
beforeEach(() => {
  onAsked = () => undefined;
});

function answer(request: FakeRequest) {
  onAsked();
  if (request.turns.at(-1)?.text.includes('a long answer'))
    return { text: WORDS, chunkSize: 8, frameDelayMs: 60 };
  return { text: 'At your service.' };
}

const startWorker = () => server.start('worker', { DATABASE_URL: door.url });

interface Frame {
  readonly message_type?: string;
  readonly content?: string;
  readonly id?: string;
  readonly stop_reason?: string;
}
const BACKGROUND = { model: 'openai/gpt-5.2', model_settings: { provider_type: 'openai', background: true } };
const TOKENS = { streaming: true, stream_tokens: true, background: true };

const streamOf = (
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-stainless-package-version': '1.12.1', ...headers },
    body: JSON.stringify(body),
  });
const send = (agentId: string): Promise<Response> =>
  streamOf(`/v1/agents/${agentId}/messages`, {
    messages: [{ role: 'user', content: 'a long answer' }],
    ...TOKENS,
  });
const runIdOf = (text: string): string => /run-[0-9a-f-]{36}/.exec(text)?.[0] ?? '';

async function readAll(
  response: Response,
  onText: (text: string) => void = () => undefined,
): Promise<string> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) onText((text += chunk));
  return text;
}
const framesOf = (text: string): Frame[] =>
  [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json!) as Frame);
const told = (text: string): string =>
  framesOf(text)
    .map((frame) => (frame.message_type === 'assistant_message' ? (frame.content ?? '') : ''))
    .join('');
/** A stream shows life while it waits, so one that waited has pings that its repetition lacks. */
const withoutPings = (text: string): string => text.replace(/^data: .*"message_type":"ping".*\n\n/gm, '');

it('a reply that was half streamed when its worker died is listened to again, paid once and shown once', async () => {
  const agent = await createAgent(url, BACKGROUND);
  const before = fake.count;
  let isKilled = false;
  const text = await readAll(await send(agent.id), (sofar) => {
    if (isKilled || told(sofar).length < 60) return;
    isKilled = true;
    void server.worker.kill('SIGKILL').then(startWorker);
  });

  expect(isKilled).toBe(true);
  expect(fake.count - before).toBe(1);
  expect(fake.backgroundCalls).toContain(`GET resp_fake${before}`);
  expect(told(text)).toBe(WORDS);
  expect(text).not.toContain('event: rewind');
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  const again = await readAll(await streamOf(`/v1/runs/${runIdOf(text)}/stream`, {}));
  expect(withoutPings(again)).toBe(withoutPings(text));
  expect(await transcript(url, agent.id)).toContain(`assistant: ${WORDS}`);
  expect(fake.problems).toEqual([]);
});

it('a response that OpenAI has forgotten is asked for anew, and watchers are told', async () => {
  const agent = await createAgent(url, BACKGROUND);
  const before = fake.count;
  let isKilled = false;
  const text = await readAll(await send(agent.id), (sofar) => {
    if (isKilled || told(sofar).length < 30) return;
    isKilled = true;
    void server.worker.kill('SIGKILL').then(async () => {
      fake.forgetBackground();
      await startWorker();
    });
  });

  expect(fake.count - before).toBe(2);
  expect(told(text.slice(text.indexOf('event: rewind')))).toBe(WORDS);
  expect(await transcript(url, agent.id)).toContain(`assistant: ${WORDS}`);
});

it('a cancel reaches the stream, ends the response at OpenAI and keeps what was read for the next turn', async () => {
  const agent = await createAgent(url, BACKGROUND);
  const before = fake.count;
  let isCancelled = false;
  const text = await readAll(await send(agent.id), (sofar) => {
    if (isCancelled || told(sofar).length < 60) return;
    isCancelled = true;
    void call(url, 'POST', `/v1/agents/${agent.id}/messages/cancel`, {});
  });

  expect(text).toContain('"stop_reason":"cancelled"');
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  await until(() => fake.backgroundCalls.includes(`CANCEL resp_fake${before}`));
  expect(await transcript(url, agent.id)).toContain(`assistant: ${told(text)}`);
  const shownId = framesOf(text).find((frame) => frame.message_type === 'assistant_message')?.id;
  const stored = await call<Frame[]>(url, 'GET', `/v1/agents/${agent.id}/messages?limit=50`);
  expect(stored.filter(({ id }) => id === shownId).at(0)).toBeDefined();
  await runEnd(url, await sendAsync(url, agent.id, 'Go on.'));
  expect(JSON.stringify(fake.requests.at(-1)!.body)).toContain(JSON.stringify(told(text)).slice(1, -1));
  expect(fake.problems).toEqual([]);
});

it('a reply that comes while Postgres is away for four seconds is not paid again', async () => {
  const agent = await createAgent(url);
  const before = fake.count;
  onAsked = () => {
    void door.shut();
    setTimeout(() => void door.open(), 4_000);
  };
  const runId = await sendAsync(url, agent.id, 'Hi');

  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
  expect(fake.count - before).toBe(1);
  expect(await transcript(url, agent.id)).toContain('assistant: At your service.');
});

it('a stream that is cut at any frame and picked up there is, joined, the uncut one', async () => {
  const agent = await createAgent(url);
  const runId = runIdOf(await readAll(await send(agent.id)));
  const path = `/v1/runs/${runId}/stream`;
  const uncut = await readAll(await streamOf(path, {}));
  const frames = uncut.split(/(?<=\n\n)/);
  let seed = 42;
  for (let cut = 0; cut < 20; cut++) {
    seed = (seed * 16_807) % 2_147_483_647;
    // The frames behind the last number belong together: statistics and [DONE] have none of their own.
    const at = 1 + (seed % (frames.length - 4));
    const lastSeq = /"seq_id":(\d+)/.exec(frames[at - 1]!)?.[1] ?? '0';

    const byBody = await readAll(await streamOf(path, { starting_after: Number(lastSeq) }));
    const byHeader = await readAll(await streamOf(path, {}, { 'last-event-id': lastSeq }));

    expect(frames.slice(0, at).join('') + byBody).toBe(uncut);
    expect(byHeader.replace(/^id: \d+\n/gm, '')).toBe(byBody);
    expect(byHeader).toMatch(/^id: \d+\ndata: \[DONE\]$/m);
  }
});
