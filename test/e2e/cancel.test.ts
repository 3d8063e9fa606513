import Letta from '@letta-ai/letta-client';
import type { FakeOpenAi, FakeRequest } from '../support/fake-openai';
import { directiveScript } from '../support/fake-openai-script';
import { transcript } from '../support/live-api';
import { startLiveServer, type LiveServer } from '../support/live-server';
import { until } from '../support/started';

// A cancel meets a turn at each of its places; the SDK is unmodified.

const STORY = Array.from({ length: 400 }, (_, n) => `word${n} `).join('');
let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;
let agentId: string;

beforeAll(async () => {
  server = await startLiveServer({ script: answer });
  ({ fake } = server);
  client = new Letta({ baseURL: server.url, apiKey: 'none' });
});
afterAll(() => server.stop());
beforeEach(async () => {
  const memory = [{ label: 'human', value: 'start' }];
  agentId = (await client.agents.create({ model: 'openai/gpt-4.1', memory_blocks: memory })).id;
});
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

function answer(request: FakeRequest) {
  if (request.turns.at(-1)?.text === 'Tell me a story') return { text: STORY, frameDelayMs: 20 };
  return directiveScript(request);
}

interface Frame {
  readonly message_type?: string;
  readonly content?: unknown;
  readonly stop_reason?: string;
}
const said = (frames: readonly Frame[]): string =>
  frames
    .flatMap(({ message_type: type, content }) => (type === 'assistant_message' ? [content] : []))
    .join('');
const asked = (before: number) => until(() => fake.count > before);
const latest = async () => (await client.runs.list({ agent_id: agentId, limit: 1 })).getPaginatedItems()[0];

it('a stream of tokens ends as cancelled with [DONE], and what was read of it stays in the thread', async () => {
  const response = await fetch(`${server.url}/v1/agents/${agentId}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-stainless-package-version': '1.12.1' },
    body: JSON.stringify({ input: 'Tell me a story', streaming: true, stream_tokens: true }),
  });
  let text = '';
  let cancelling: Promise<unknown> | undefined;
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.split('\n\n').length > 8) cancelling ??= client.agents.messages.cancel(agentId, {});
  }

  expect(await cancelling).toEqual({ [(await latest())?.id ?? '']: 'cancelled' });
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  const frames = [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json ?? '') as Frame);
  expect(frames.at(-2)).toEqual({ message_type: 'stop_reason', stop_reason: 'cancelled' });
  const told = said(frames);
  expect(STORY.startsWith(told)).toBe(true);
  expect(told.length).toBeLessThan(STORY.length);
  expect(await transcript(server.url, agentId)).toEqual(['user: Tell me a story', `assistant: ${told}`]);
  const next = await client.agents.messages.create(agentId, { input: 'SAY still here' });
  expect(said(next.messages as Frame[])).toBe('still here');
});

it('a blocking caller is answered that its turn was cancelled, with the steps it had', async () => {
  const before = fake.count;
  const remember = 'CALL memory_insert {"label":"human","new_string":"kept"}';
  const waiting = client.agents.messages.create(agentId, {
    input: `${remember}\nTHEN\nDELAY 20000\nSAY never`,
  });
  await asked(before + 1);

  await client.agents.messages.cancel(agentId, {});
  const answer = await waiting;

  expect(answer.stop_reason.stop_reason).toBe('cancelled');
  expect(answer.messages.map(({ message_type: type }) => type)).toEqual([
    'tool_call_message',
    'tool_return_message',
  ]);
  const block = await client.agents.blocks.retrieve('human', { agent_id: agentId });
  expect(block.value).toBe('start\nkept');
});

it('a message that waits is cancelled before it begins, and the one in progress goes on', async () => {
  const before = fake.count;
  const first = await client.agents.messages.createAsync(agentId, { input: 'DELAY 700\nSAY first' });
  await asked(before);
  const second = await client.agents.messages.createAsync(agentId, { input: 'SAY second' });

  const answer = await client.agents.messages.cancel(agentId, { run_ids: [second.id] });

  expect(answer).toEqual({ [second.id]: 'cancelled' });
  await until(async () => (await client.runs.retrieve(first.id)).status === 'completed');
  expect((await client.runs.retrieve(second.id)).status).toBe('cancelled');
  expect(await transcript(server.url, agentId)).toEqual(['user: DELAY 700\nSAY first', 'assistant: first']);
});

it('cancelling again, or when nothing runs, changes nothing and says so', async () => {
  const before = fake.count;
  const run = await client.agents.messages.createAsync(agentId, { input: 'DELAY 20000\nSAY never' });
  await asked(before);

  await client.agents.messages.cancel(agentId, { run_ids: [run.id] });
  await until(async () => (await client.runs.retrieve(run.id)).status === 'cancelled');

  expect(await client.agents.messages.cancel(agentId, { run_ids: [run.id] })).toEqual({ [run.id]: 'failed' });
  expect(await client.agents.messages.cancel(agentId, {})).toEqual({});
});
