import Letta from '@letta-ai/letta-client';
import type { FakeOpenAi } from '../support/fake-openai';
import { startLiveServer, type LiveServer } from '../support/live-server';

// Skills that a client brings with its requests: the model is told of them once, by a prompt that only grows.

let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;
let agentId: string;

beforeAll(async () => {
  server = await startLiveServer();
  ({ fake } = server);
  client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.stop());
beforeEach(async () => {
  agentId = (await client.agents.create({ model: 'openai/gpt-4.1', include_base_tools: false })).id;
});

const PDF = { name: 'pdf', description: 'Reads PDF.', location: 'skills/pdf/SKILL.md' };
const CSV = { name: 'csv', description: 'Reads CSV.', location: 'skills/csv/SKILL.md' };
const LOOK = { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: {} } };
const user = (content: string) => ({ role: 'user', content }) as const;

/** Sends a request of this form by any route; resolves with the raw answer. */
async function send(path: string, body: object): Promise<string> {
  const response = await fetch(`${server.url}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-stainless-package-version': '1.12.1' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  expect([response.status, text]).toEqual([200, expect.anything()]);
  return text;
}

interface Asked {
  readonly role: string;
  readonly content: unknown;
}
/** What the provider was sent since `from`, one list of messages a request. */
const askedSince = (from: number): (readonly Asked[])[] =>
  fake.requests.slice(from).map(({ body }) => body['messages'] as readonly Asked[]); // our own chat requests
const notesIn = (messages: readonly Asked[] | undefined): string[] =>
  (messages ?? [])
    .map(({ content }) => JSON.stringify(content))
    .filter((text) => /available_skills/.test(text));

it.each(['agents', 'conversations'])(
  'by the routes of %s, streamed or not',
  async (kind) => {
    const path =
      kind === 'agents'
        ? `agents/${agentId}/messages`
        : `conversations/${(await client.conversations.create({ agent_id: agentId })).id}/messages`;
    const from = fake.requests.length;

    await send(path, { messages: [user('SAY one')], streaming: true, client_skills: [PDF] });
    await send(path, { messages: [user('SAY two')], streaming: false, client_skills: [PDF] });
    await send(path, { messages: [user('SAY three')], streaming: true, stream_tokens: true });
    await send(path, { messages: [user('SAY four')], streaming: false, client_skills: [PDF, CSV] });

    const asked = askedSince(from);
    expect(asked.map((messages) => notesIn(messages).length)).toEqual([1, 1, 1, 2]);
    expect(notesIn(asked[3])[1]).toMatch(/csv .*pdf /s);
    for (const [index, messages] of asked.slice(1).entries()) {
      expect(messages.slice(0, asked[index]?.length)).toEqual(asked[index]);
    }
    expect(fake.problems).toEqual([]);
  },
  120_000,
);

it('they are told in front of the message, and the answer to a call of the client’s own tool does not repeat them', async () => {
  const path = `agents/${agentId}/messages`;
  const from = fake.requests.length;
  const request = { client_tools: [LOOK], client_skills: [PDF] };

  const waiting = await send(path, { ...request, messages: [user('CALL look {}\nTHEN\nSAY seen')] });
  const { messages } = JSON.parse(waiting) as { messages: { tool_call?: { tool_call_id: string } }[] };
  const answer = { type: 'tool', tool_call_id: messages[0]?.tool_call?.tool_call_id, tool_return: 'a cat', status: 'success' }; // prettier-ignore
  await send(path, { ...request, messages: [{ type: 'approval', approvals: [answer] }] });

  const [first, second] = askedSince(from);
  expect(first?.map(({ role }) => role)).toEqual(['system', 'user', 'user']);
  expect(notesIn(first?.slice(1, 2))).toHaveLength(1);
  expect(second?.slice(0, first?.length)).toEqual(first);
  expect(notesIn(second)).toHaveLength(1);
  expect(JSON.stringify(second?.at(-1))).toContain('a cat');
});

it('after a reset they are told again', async () => {
  const path = `agents/${agentId}/messages`;
  await send(path, { messages: [user('SAY one')], client_skills: [PDF] });
  await client.agents.messages.reset(agentId, {});
  const from = fake.requests.length;

  await send(path, { messages: [user('SAY two')], client_skills: [PDF] });

  expect(notesIn(askedSince(from)[0])).toHaveLength(1);
});
