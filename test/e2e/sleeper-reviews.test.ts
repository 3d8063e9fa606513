import Letta from '@letta-ai/letta-client';
import type { FakeOpenAi, FakeReply, FakeRequest } from '../support/fake-openai';
import { directiveScript } from '../support/fake-openai-script';
import { blockValue, call, runEnd, type LiveRun } from '../support/live-api';
import { startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';

// What a sleeper wants to write waits for a human, and nothing else waits for it.

let database: TestDatabase;
let fake: FakeOpenAi;
let client: Letta;
let url: string;
let server: LiveServer;

/** A sleeper adds what the user said as a line (`APPEND a` by another tool), or puts `REWRITE a -> b` in its place. */
function script(request: FakeRequest): FakeReply {
  const at = request.turns.findLastIndex(({ text }) => text.includes('<transcript>'));
  if (at === -1) return directiveScript(request);
  const after = request.turns.slice(at + 1).filter(({ role }) => role === 'assistant').length;
  if (after > 0) return { toolCalls: [{ name: 'memory_finish_edits', arguments: {} }] };
  const said = (request.turns[at]!.text.match(/^user: .*$/gm) ?? []).map((line) => line.slice(6)).join(', ');
  const [, added] = /^APPEND (.*)$/.exec(said) ?? [];
  if (added !== undefined) {
    return { toolCalls: [{ name: 'core_memory_append', arguments: { label: 'human', content: added } }] };
  }
  const [, old, text] = /^REWRITE (.*) -> (.*)$/.exec(said) ?? [];
  if (old !== undefined) {
    return {
      toolCalls: [
        { name: 'memory_replace', arguments: { label: 'human', old_string: old, new_string: text } },
      ],
    };
  }
  return { toolCalls: [{ name: 'memory_insert', arguments: { label: 'human', new_string: said } }] };
}

beforeAll(async () => {
  server = await startLiveServer({ script });
  ({ database, fake, url } = server);
  client = new Letta({ baseURL: url, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  expect(fake.problems).toEqual([]);
  await server.stop();
});

interface Waiting {
  readonly message_id: string;
  readonly run_id: string;
  readonly status: string;
  readonly proposed_changes: {
    readonly changes: readonly Record<string, unknown>[];
    readonly problem: string | null;
  };
}

async function createReviewed() {
  const agent = await client.agents.create({
    name: 'Reviewed',
    model: 'openai/gpt-4.1',
    enable_sleeptime: true,
    memory_blocks: [{ label: 'human', value: 'start' }],
  });
  const { id: groupId, agent_ids: ids } = agent.managed_group!;
  const group = await call<Record<string, unknown>>(url, 'PATCH', `/v1/groups/${groupId}`, {
    manager_config: {
      manager_type: 'sleeptime',
      sleeptime_agent_frequency: 1,
      sleeptime_agent_review_seconds: 3600,
    },
  });
  expect(group['sleeptime_agent_review_seconds']).toBe(3600);
  return { id: agent.id, blockId: agent.blocks[0]!.id ?? '', sleeper: ids[0]!, groupId };
}
type Reviewed = Awaited<ReturnType<typeof createReviewed>>;

/** Says something; the run of the sleeper that it woke, if any, is over or waits for review when this returns. */
async function say(agent: Reviewed, text: string): Promise<LiveRun | null> {
  const { usage } = await client.agents.messages.create(agent.id, { input: text });
  const [woken] = usage.run_ids ?? [];
  return woken === undefined ? null : runEnd(url, woken);
}
const waiting = ({ sleeper }: Reviewed) =>
  call<Waiting[]>(url, 'GET', `/v1/approvals?status=pending&agent_id=${sleeper}`);
async function answer({ message_id: id }: Waiting, approve: boolean): Promise<LiveRun> {
  const run = await call<LiveRun>(url, 'POST', `/v1/approvals/${id}/answer`, { approve, reason: 'not so' });
  return runEnd(url, run.id);
}
const valueOf = ({ blockId }: Reviewed) => blockValue(url, blockId);
const edit = ({ blockId }: Reviewed, value: string) => call(url, 'PATCH', `/v1/blocks/${blockId}`, { value });

it('what a sleeper would write is shown as a diff and written when it is approved, while the conversation goes on', async () => {
  const agent = await createReviewed();

  expect(await say(agent, 'one')).toMatchObject({ status: 'completed', stop_reason: 'requires_approval' });
  const [review] = await waiting(agent);
  expect(review?.proposed_changes).toEqual({
    changes: [
      {
        kind: 'write',
        block_id: agent.blockId,
        label: 'human',
        version: 1,
        current_version: 1,
        diff: '@@ -1,1 +1,2 @@\n start\n+one',
        is_conflict: false,
      },
    ],
    problem: null,
  });
  expect(await valueOf(agent)).toBe('start');
  // Nobody waits for the review: the conversation goes on, and what is said meanwhile is handed over later.
  expect(await say(agent, 'two')).toBeNull();
  expect(await answer(review!, true)).toMatchObject({ status: 'completed', stop_reason: 'tool_rule' });
  expect(await valueOf(agent)).toBe('start\none');

  expect(await say(agent, 'three')).toMatchObject({ stop_reason: 'requires_approval' });
  const [next] = await waiting(agent);
  expect(next?.proposed_changes.changes).toMatchObject([{ diff: '@@ -2,1 +2,2 @@\n one\n+two, three' }]);
  // What the sleeper wrote descends from the message that it was handed, through the approval.
  const messages = await call<{ id: string; message_type: string }[]>(url, 'GET', `/v1/agents/${agent.id}/messages?order=asc`); // prettier-ignore
  const { id } = messages.find(({ message_type: type }) => type === 'user_message')!;
  const writes = await call<Record<string, unknown>[]>(url, 'GET', `/v1/messages/${id}/writes`);
  expect(writes).toMatchObject([{ value: 'start\none', author: { agent_id: agent.sleeper } }]);
});

it('what is denied is discarded, and the sleeper sleeps on', async () => {
  const agent = await createReviewed();
  await say(agent, 'one');
  const [review] = await waiting(agent);

  expect(await answer(review!, false)).toMatchObject({ status: 'completed', stop_reason: 'tool_rule' });

  expect(await valueOf(agent)).toBe('start');
  expect(await waiting(agent)).toEqual([]);
  expect(await say(agent, 'two')).toMatchObject({ stop_reason: 'requires_approval' });
});

it('an approved edit is made on top of what others wrote to other lines meanwhile, and the sleeper hears of those', async () => {
  const agent = await createReviewed();
  await edit(agent, 'head\nmiddle\ntail');
  await say(agent, 'one');
  const [review] = await waiting(agent);
  await edit(agent, 'HEAD\nmiddle\ntail');
  const [later] = await waiting(agent);
  expect(later?.proposed_changes.changes).toMatchObject([
    { version: 2, current_version: 3, is_conflict: false },
  ]);

  await answer(review!, true);

  expect(await valueOf(agent)).toBe('HEAD\nmiddle\ntail\none');
  expect(JSON.stringify(fake.requests.at(-1)!.body)).toContain('HEAD\\nmiddle');
});

it('an approved edit of lines that others changed meanwhile writes nothing, and everybody is told', async () => {
  const agent = await createReviewed();
  await say(agent, 'REWRITE start -> begin');
  const [review] = await waiting(agent);
  await edit(agent, 'departure');
  const [later] = await waiting(agent);
  expect(later?.proposed_changes.changes).toMatchObject([
    { diff: '@@ -1,1 +1,1 @@\n-start\n+begin', is_conflict: true },
  ]);

  await answer(review!, true);

  expect(await valueOf(agent)).toBe('departure');
  expect(JSON.stringify(fake.requests.at(-1)!.body)).toContain(
    'was changed on the same lines since this edit was proposed',
  );
});

it('a review that nobody answers keeps the sleeper no longer than the group says', async () => {
  const agent = await createReviewed();
  const first = await say(agent, 'one');
  expect(await say(agent, 'two')).toBeNull();
  await database.pool.query(
    `update messages set created_at = created_at - interval '2 hours' where conversation_id = $1`,
    [agent.sleeper],
  );

  expect(await say(agent, 'three')).toMatchObject({ stop_reason: 'requires_approval' });

  const all = await call<Waiting[]>(url, 'GET', `/v1/approvals?agent_id=${agent.sleeper}&order=asc`);
  expect(all.map(({ run_id: run, status }) => [run === first?.id, status])).toEqual([
    [true, 'expired'],
    [false, 'pending'],
  ]);
  expect(all[1]?.proposed_changes.changes).toMatchObject([{ diff: '@@ -1,1 +1,2 @@\n start\n+two, three' }]);
  expect(JSON.stringify(fake.requests.at(-1)!.body)).toContain('nobody reviewed it in time');
});

it('without a review the sleeper writes by itself again, and what waited is discarded', async () => {
  const agent = await createReviewed();
  await say(agent, 'one');
  expect(await say(agent, 'two')).toBeNull();
  await call(url, 'PATCH', `/v1/groups/${agent.groupId}`, {
    manager_config: {
      manager_type: 'sleeptime',
      sleeptime_agent_frequency: 9,
      sleeptime_agent_review_seconds: 0,
    },
  });

  expect(await say(agent, 'three')).toMatchObject({ stop_reason: 'tool_rule' });

  expect(await valueOf(agent)).toBe('start\ntwo, three');
  expect(await waiting(agent)).toEqual([]);
  // What it was behind with is done: the next look is the next one that is due.
  expect(await say(agent, 'four')).toBeNull();
});

it('a memory tool that the sleeper gets while its edits are reviewed waits for review as well', async () => {
  const agent = await createReviewed();
  const attach = async (name: string): Promise<void> => {
    const [tool] = await call<{ id: string }[]>(url, 'GET', `/v1/tools/?name=${name}`);
    await call(url, 'PATCH', `/v1/agents/${agent.sleeper}/tools/attach/${tool!.id}`);
  };
  await attach('core_memory_append');
  await attach('web_search');

  expect(await say(agent, 'APPEND this')).toMatchObject({ stop_reason: 'requires_approval' });

  expect(await valueOf(agent)).toBe('start');
  const [review] = await waiting(agent);
  await answer(review!, true);
  expect(await valueOf(agent)).toBe('start\nthis');
  const { rows } = await database.pool.query(
    `select requires_approval from agent_tools at join tools t on t.id = at.tool_id
      where at.agent_id = $1 and t.name = 'web_search'`,
    [agent.sleeper],
  );
  expect(rows).toEqual([{ requires_approval: null }]);
});
