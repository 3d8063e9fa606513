import Letta from '@letta-ai/letta-client';
import type { FakeOpenAi, RecordedRequest } from '../support/fake-openai';
import { call } from '../support/live-api';
import { startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';

// A turn in four meets an edit of memory. One builder of requests shows the length, the other that it does the same.
const TURNS_OF = { 'openai/gpt-4.1': 200, 'openai/gpt-5.2': 60 } as const;
const TURNS_PER_EDIT = 4;
type Model = keyof typeof TURNS_OF;
const agents = new Map<Model, string>();

let database: TestDatabase;
let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;

beforeAll(async () => {
  server = await startLiveServer();
  ({ database, fake } = server);
  client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
  for (const model of ['openai/gpt-4.1', 'openai/gpt-5.2'] as const)
    agents.set(model, await createAgent(model));
  await Promise.all([...agents].map(([model, id]) => converse(id, TURNS_OF[model])));
});
afterAll(() => server.stop());

async function createAgent(model: Model): Promise<string> {
  const agent = await client.agents.create({
    model,
    memory_blocks: [
      { label: 'human', value: 'Name: Ada.' },
      { label: 'persona', value: 'I am Sam. I answer briefly.' },
    ],
  });
  return agent.id;
}

/** Turns of a chat in which memory changes now and then: by turns the model edits a block, and somebody else does. */
async function converse(agentId: string, turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    const edit = turn % TURNS_PER_EDIT === 2 ? Math.floor(turn / TURNS_PER_EDIT) : null;
    const value = `Name: Ada. After turn ${turn} she likes the roses on the balcony, and tea.`;
    if (edit !== null && edit % 2 === 0)
      await client.agents.blocks.update('human', { agent_id: agentId, value });
    const isOwn = edit !== null && edit % 2 === 1;
    const own = `CALL memory_insert ${JSON.stringify({ label: 'human', new_string: value })}\nTHEN\nSAY I noted that.`;
    const input = isOwn ? own : `SAY The roses want water on day ${turn}, and light.`;
    const { stop_reason: stop } = await client.agents.messages.create(agentId, { input });
    expect(stop.stop_reason).toBe('end_turn');
  }
}

interface Measured {
  readonly promptBytes: number;
  readonly sharedBytes: number;
}

/** What a provider sees: how much of each prompt it was sent in the request before. A prompt ends with its last message. */
function measure(requests: readonly RecordedRequest[], list: 'messages' | 'input'): readonly Measured[] {
  return requests.map(({ raw, body }, at) => {
    const messages = Buffer.from(`"${list}":${JSON.stringify(body[list])}`);
    const start = raw.indexOf(messages);
    expect(start).toBeGreaterThan(0);
    const promptBytes = start + messages.length - 1;
    const before = requests[at - 1]?.raw ?? Buffer.alloc(0);
    let sharedBytes = 0;
    while (sharedBytes < promptBytes && raw[sharedBytes] === before[sharedBytes]) sharedBytes += 1;
    return { promptBytes, sharedBytes };
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

it.each([
  ['openai/gpt-4.1', '/chat/completions', 'messages'],
  ['openai/gpt-5.2', '/responses', 'input'],
] as const)(
  '%s is sent at least 95 %% of its prompts again while memory changes every fourth turn, and steps say so',
  async (model, path, list) => {
    const [turns, edits] = [TURNS_OF[model], TURNS_OF[model] / TURNS_PER_EDIT];
    const id = agents.get(model) ?? '';
    const requests = fake.requests.filter((request) => request.path.endsWith(path));
    const seen = measure(requests, list);
    const { rows } = await database.pool.query<{ version: number }>(
      `select b.version from blocks b join agent_blocks ab on ab.block_id = b.id where ab.agent_id = $1 and ab.label = 'human'`,
      [id],
    );
    expect(rows[0]?.version).toBe(1 + edits);
    expect(requests).toHaveLength(turns + Math.floor(edits / 2));
    expect(fake.problems).toEqual([]);
    const reused =
      sum(seen.map(({ sharedBytes }) => sharedBytes)) / sum(seen.map(({ promptBytes }) => promptBytes));
    expect(reused).toBeGreaterThanOrEqual(0.95);

    const shares = await stepShares(id);
    expect(shares).toHaveLength(requests.length);
    expect(shares[0]).toBeNull();
    for (const [at, { promptBytes, sharedBytes }] of seen.entries()) {
      if (at > 0) expect(shares[at]).toBeCloseTo(sharedBytes / promptBytes, 6);
    }
  },
);

async function stepShares(agentId: string): Promise<readonly (number | null)[]> {
  const shares: (number | null)[] = [];
  let after = '';
  for (;;) {
    const page = await call<{ id: string; prompt_prefix_share?: number }[]>(
      server.url,
      'GET',
      `/v1/steps?agent_id=${agentId}&order=asc&limit=100${after}`,
    );
    shares.push(...page.map((step) => step.prompt_prefix_share ?? null));
    const last = page.at(-1);
    if (!last) return shares;
    after = `&after=${last.id}`;
  }
}
