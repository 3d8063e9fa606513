import Letta, { AuthenticationError, NotFoundError } from '@letta-ai/letta-client';
import type { FakeOpenAi, FakeRequest } from '../support/fake-openai';
import { directiveScript } from '../support/fake-openai-script';
import { startLiveServer, type LiveServer } from '../support/live-server';

// What programs do with messages beyond the hello world, through the unmodified SDK with a password set.

const PASSWORD = 'correct horse';
// A pixel, as a program would attach it.
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;

// "BUSY" is refused once with Retry-After, as a provider at its rate limit does.
const refusedAt = new Map<string, number>();
const answeredAt = new Map<string, number>();
function script(request: FakeRequest) {
  const text = request.turns.at(-1)?.text ?? '';
  if (!text.startsWith('BUSY')) return directiveScript(request);
  if (refusedAt.has(text)) {
    answeredAt.set(text, performance.now());
    return { text: 'now I have time' };
  }
  refusedAt.set(text, performance.now());
  return { error: { status: 429, headers: { 'retry-after': '1' } } };
}

beforeAll(async () => {
  server = await startLiveServer({ script, env: { EVERTURN_PASSWORD: PASSWORD } });
  ({ fake } = server);
  client = new Letta({ baseURL: server.url, apiKey: PASSWORD, maxRetries: 0 });
});
afterAll(() => server.stop());
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

const createAgent = () =>
  client.agents.create({
    model: 'openai/gpt-4.1',
    memory_blocks: [{ label: 'notes', value: 'nothing yet' }],
  });
const memoryCall = 'CALL memory_insert {"label":"notes","new_string":"seen"}';

it('a wrong password is an authentication error, the right one is let in', async () => {
  const stranger = new Letta({ baseURL: server.url, apiKey: 'wrong', maxRetries: 0 });

  await expect(stranger.agents.list()).rejects.toThrow(AuthenticationError);
  await expect(stranger.health()).resolves.toMatchObject({ status: 'ok' });
  await expect(client.agents.list()).resolves.toBeDefined();
});

it('an image reaches the model beside its text, and stays in the thread', async () => {
  const { id } = await createAgent();
  const image = { type: 'base64', media_type: 'image/png', data: PNG } as const;

  await client.agents.messages.create(id, {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'SAY a pixel' },
          { type: 'image', source: image },
        ],
      },
    ],
  });
  await client.agents.messages.create(id, { input: 'SAY and now?' });

  const sent = JSON.stringify(fake.requests.at(-1)?.body['messages']);
  expect(sent).toContain(`data:image/png;base64,${PNG}`);
  expect(sent).toContain('SAY a pixel');
});

it('a turn stops after max_steps and the agent takes the next message', async () => {
  const { id } = await createAgent();

  const stopped = await client.agents.messages.create(id, { input: `REPEAT 9 ${memoryCall}`, max_steps: 3 });
  const next = await client.agents.messages.create(id, { input: 'SAY still here' });

  expect(stopped.stop_reason.stop_reason).toBe('max_steps');
  expect(stopped.usage.step_count).toBe(3);
  expect(next.messages).toMatchObject([{ message_type: 'assistant_message', content: 'still here' }]);
});

it('a call of a tool that the agent does not have is an error for the model, not for the turn', async () => {
  const { id } = await createAgent();

  const answer = await client.agents.messages.create(id, { input: 'CALL launch_rocket {}' });

  expect(answer.stop_reason.stop_reason).toBe('end_turn');
  const result = answer.messages.find((message) => message.message_type === 'tool_return_message');
  expect(result).toMatchObject({ status: 'error', tool_return: expect.stringContaining('launch_rocket') });
});

it('override_model is used for one turn; one that no provider has is not found', async () => {
  const { id } = await createAgent();

  await client.agents.messages.create(id, { input: 'SAY small', override_model: 'openai/gpt-4o-mini' });
  const usedOnce = fake.requests.at(-1)?.body['model'];
  await client.agents.messages.create(id, { input: 'SAY usual' });
  const usedThen = fake.requests.at(-1)?.body['model'];

  expect([usedOnce, usedThen]).toEqual(['gpt-4o-mini', 'gpt-4.1']);
  const unknown = client.agents.messages.create(id, { input: 'hi', override_model: 'openai/gpt-nope' });
  await expect(unknown).rejects.toThrow(NotFoundError);
});

it('include_return_message_types leaves the other types out', async () => {
  const { id } = await createAgent();

  const answer = await client.agents.messages.create(id, {
    input: `${memoryCall}\nTHEN\nSAY saved`,
    include_return_message_types: ['assistant_message'],
  });

  expect(answer.messages.map((message) => message.message_type)).toEqual(['assistant_message']);
});

it('a provider at its rate limit is asked again when it said so, within the same turn', async () => {
  const { id } = await createAgent();

  const answer = await client.agents.messages.create(id, { input: 'BUSY one' });

  expect(answer.messages).toMatchObject([{ message_type: 'assistant_message', content: 'now I have time' }]);
  expect(answer.usage.step_count).toBe(1);
  const waitedMs = (answeredAt.get('BUSY one') ?? 0) - (refusedAt.get('BUSY one') ?? 0);
  expect(waitedMs).toBeGreaterThanOrEqual(990);
});

it('ten agents talk at once, each in its own thread and order', async () => {
  const agents = await Promise.all(Array.from({ length: 10 }, createAgent));

  const threads = await Promise.all(
    agents.map(async ({ id }, n) => {
      for (const turn of [1, 2, 3])
        await client.agents.messages.create(id, { input: `SAY agent ${n} turn ${turn}` });
      const page = await client.agents.messages.list(id, { order: 'asc' });
      return page.items.flatMap((message) =>
        message.message_type === 'assistant_message' ? [message.content] : [],
      );
    }),
  );

  expect(threads).toEqual(agents.map((_, n) => [1, 2, 3].map((turn) => `agent ${n} turn ${turn}`)));
});
