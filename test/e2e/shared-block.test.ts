import type { FakeOpenAi, FakeReply, FakeRequest } from '../support/fake-openai';
import { call, createAgent, runEnd, sendAsync } from '../support/live-api';
import { startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';

// Two agents and a client edit one block at once, against a real server. `SHARED_EDITS=1000 npx jest --runTestsByPath
// test/e2e/shared-block.test.ts` makes a thousand edits.
const EDITS = Number(process.env['SHARED_EDITS'] ?? 300);
const OWN = Math.ceil(EDITS / 3);
const CALLS_PER_REPLY = 20;

jest.setTimeout(60_000 + EDITS * 1_000);

let database: TestDatabase;
let fake: FakeOpenAi;
let server: LiveServer;
let url: string;

interface Edit {
  readonly name: string;
  readonly arguments: { readonly label: string; readonly old_string?: string; readonly new_string: string };
}
/** The edits of a writer: a counter goes up by one, and every tenth one leaves a line of its own. */
const editOf = (writer: string, n: number): Edit =>
  n % 10 === 0
    ? { name: 'memory_insert', arguments: { label: 'human', new_string: `${writer} line ${n}` } }
    : {
        name: 'memory_replace',
        arguments: { label: 'human', old_string: counter(writer, n - 1), new_string: counter(writer, n) },
      };
/** What the counter says after so many edits; the last character tells 1 from 10. */
const counter = (writer: string, n: number) => `${writer} is at ${n - Number(n % 10 === 0 && n > 0)}.`;

function script({ turns }: FakeRequest): FakeReply {
  const at = turns.findLastIndex(({ role }) => role === 'user');
  const writer = /you are (\w+)/.exec(turns[at]?.text ?? '')?.[1] ?? '';
  const done = turns.slice(at).filter(({ role }) => role === 'tool').length;
  const left = Math.min(CALLS_PER_REPLY, OWN - done);
  if (left <= 0) return { text: 'All edits are made.' };
  return { toolCalls: Array.from({ length: left }, (_, index) => editOf(writer, done + index + 1)) };
}

beforeAll(async () => {
  server = await startLiveServer({ script });
  ({ database, fake, url } = server);
});
afterAll(async () => {
  expect(fake.problems).toEqual([]);
  await server.stop();
});

/** The client's edits, each on top of the version it has read: one that comes too late is made again. */
async function editByClient(blockId: string): Promise<void> {
  for (let n = 1; n <= OWN;) {
    const read = await fetch(`${url}/v1/blocks/${blockId}`);
    const { value } = (await read.json()) as { value: string };
    const { old_string: old, new_string: text } = editOf('client', n).arguments;
    const changed = old === undefined ? `${value}\n${text}` : value.replace(old, text);
    const written = await fetch(`${url}/v1/blocks/${blockId}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', 'if-match': read.headers.get('etag') ?? '' },
      body: JSON.stringify({ value: changed }),
    });
    expect([200, 409]).toContain(written.status);
    if (written.status === 200) n += 1;
  }
}

interface Version {
  readonly version: number;
  readonly value: string;
  readonly diff: string;
  readonly author: { readonly kind: string; readonly agent_id: string | null };
}

async function historyOf(blockId: string): Promise<readonly Version[]> {
  const all: Version[] = [];
  for (;;) {
    const after = all.at(-1)?.version ?? 0;
    const query = `order=asc&limit=500${after > 0 ? `&after=${after}` : ''}`;
    const page = await call<Version[]>(url, 'GET', `/v1/blocks/${blockId}/history?${query}`);
    if (page.length === 0) return all;
    all.push(...page);
  }
}

it(`two agents and a client make ${3 * OWN} edits of one block at once: none is lost, and the history has each`, async () => {
  const writers = ['first', 'second', 'client'];
  const block = await call<{ id: string }>(url, 'POST', '/v1/blocks/', {
    label: 'human',
    value: writers.map((writer) => counter(writer, 0)).join('\n'),
    limit: 100_000,
  });
  const fields = { memory_blocks: [], block_ids: [block.id], parallel_tool_calls: true };
  const agents = await Promise.all(['first', 'second'].map(() => createAgent(url, fields)));

  const [, ...ended] = await Promise.all([
    editByClient(block.id),
    ...agents.map(async ({ id }, index) => {
      const run = await sendAsync(url, id, `you are ${writers[index]}`, { max_steps: 1_000 });
      return runEnd(url, run, 60_000 + EDITS * 1_000);
    }),
  ]);

  expect(ended.map(({ status }) => status)).toEqual(['completed', 'completed']);
  const history = await historyOf(block.id);
  expect(history.map(({ version }) => version)).toEqual(history.map((_, index) => index + 1));
  expect(history).toHaveLength(1 + 3 * OWN);
  const lines = writers.flatMap((writer) => [
    counter(writer, OWN),
    ...Array.from({ length: Math.floor(OWN / 10) }, (_, index) => `${writer} line ${(index + 1) * 10}`),
  ]);
  expect(history.at(-1)!.value.split('\n').sort()).toEqual(lines.sort());
  // Each edit is one version of its writer's, in its order, and changes that writer's line alone.
  const authors = [...agents.map(({ id }) => id), null];
  for (const [index, writer] of writers.entries()) {
    const own = history.slice(1).filter(({ author }) => author.agent_id === authors[index]);
    const added = own.map(({ diff }) => diff.split('\n').filter((line) => /^\+(?!\+)/.test(line)));
    const edits = Array.from({ length: OWN }, (_, n) => [`+${editOf(writer, n + 1).arguments.new_string}`]);
    expect(added).toEqual(edits);
  }
  const { rows } = await database.pool.query(`select status, count(*) from tool_executions group by 1`);
  expect(rows).toEqual([{ status: 'done', count: 2 * OWN }]);
});
