import Letta from '@letta-ai/letta-client';
import { Client, Connection } from '@temporalio/client';
import { runInNewContext } from 'node:vm';
import { turnWorkflowId } from '../../domain/turn';
import { createGate, type Gate } from '../support/five-steps';
import type { FakeOpenAi, FakeRequest } from '../support/fake-openai';
import { directiveScript } from '../support/fake-openai-script';
import { call, createAgent as createLiveAgent, runEnd, sendAsync } from '../support/live-api';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
import { testTemporalAddress, type TestDatabase } from '../support/stack';
import { until } from '../support/started';

let server: LiveServer;
// A message that ends with the name of a gate is answered when the test opens it.
const gates = new Map<string, Gate>();
let database: TestDatabase;
let fake: FakeOpenAi;
let url: string;
let client: Letta;
let temporal: Client;

async function script(request: FakeRequest) {
  const name = /GATE (\w+)$/.exec(request.turns.at(-1)?.text ?? '')?.[1];
  await gates.get(name ?? '')?.pass();
  return directiveScript(request);
}

beforeAll(async () => {
  server = await startLiveServer({ script, roles: SPLIT });
  ({ database, fake, url } = server);
  client = new Letta({ baseURL: url, apiKey: 'none', maxRetries: 0 });
  temporal = new Client({ connection: await Connection.connect({ address: testTemporalAddress() }) });
});
afterAll(async () => {
  await server.stop();
  await temporal.connection.close();
});
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

const ASK = 'send_message_to_agent_and_wait_for_reply';
const TELL = 'send_message_to_agent_async';
const ASK_TAGGED = 'send_message_to_agents_matching_tags';
// The SDK's types leave `include_multi_agent_tools` out.
const createAgent = async (name: string, fields: object = {}): Promise<string> =>
  (await createLiveAgent(url, { name, include_multi_agent_tools: true, ...fields })).id;
const asking = (agentId: string, message: string, tool = ASK): string =>
  `CALL ${tool} ${JSON.stringify({ message, other_agent_id: agentId })}`;

type Json = Readonly<Record<string, any>>; // eslint-disable-line @typescript-eslint/no-explicit-any
const messagesOf = (agentId: string): Promise<Json[]> =>
  call(url, 'GET', `/v1/agents/${agentId}/messages?limit=100&order=asc`);
/** What the calls of an agent came to, in order. */
const results = async (agentId: string): Promise<Json[]> =>
  (await messagesOf(agentId)).filter(({ message_type: type }) => type === 'tool_return_message');
// Python's notation of strings, lists and dicts is JavaScript's too.
const answerOf = (result: Json | undefined): Json =>
  JSON.parse(String(runInNewContext(`JSON.stringify(${String(result!['tool_return'])})`)));
const received = async (agentId: string): Promise<Json[]> =>
  (await messagesOf(agentId)).filter(
    (each) => each['message_type'] === 'system_message' && each['sender_id'] !== null,
  );
const runsOf = (agentId: string): Promise<Json[]> =>
  call(url, 'GET', `/v1/runs/?agent_id=${agentId}&order=asc`);

it('an agent asks another one, whose turn is a run of its own, and goes on with its answer', async () => {
  const [asker, asked] = [await createAgent('Asker'), await createAgent('Asked')];

  const answer = await client.agents.messages.create(asker, { input: asking(asked, 'SAY It is four.') });

  const returned = answer.messages.find(({ message_type: type }) => type === 'tool_return_message') as Json;
  const [run] = await runsOf(asked);
  expect(answerOf(returned)).toEqual({
    agent_id: asked,
    agent_name: 'Asked',
    run_id: run!['id'],
    status: 'answered',
    response: ['It is four.'],
  });
  expect(returned['status']).toBe('success');
  expect(answer.stop_reason.stop_reason).toBe('end_turn');
  expect(run).toMatchObject({ status: 'completed', metadata: { caller_agent_id: asker } });
  const [message] = await received(asked);
  expect(message).toMatchObject({ sender_id: asker });
  expect(message!['content']).toContain(`Asker (${asker})`);
});

it('a turn that waits holds no activity, and outlives the death of its worker: the message is posted once', async () => {
  const [asker, asked] = [await createAgent('Asker'), await createAgent('Asked')];
  const gate = createGate();
  gates.set('long', gate);
  const runId = await sendAsync(url, asker, asking(asked, 'GATE long'));
  await gate.reached;
  const waiting = await temporal.workflow.getHandle(turnWorkflowId(asker)).describe();
  expect(waiting.raw.pendingActivities).toEqual([]);

  await server.worker.kill('SIGKILL');
  gates.delete('long');
  gate.open();
  await server.start('worker');

  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
  expect(await received(asked)).toHaveLength(1);
  expect(await runsOf(asked)).toHaveLength(1);
  expect((await results(asker)).map((each) => answerOf(each)['status'])).toEqual(['answered']);
});

it('a worker that dies around the posting leaves one message', async () => {
  const [asker, asked] = [await createAgent('Asker'), await createAgent('Asked')];
  // Postgres holds the transaction that posts; its worker dies in it.
  const holder = await database.pool.connect();
  await holder.query(`begin; select pg_advisory_xact_lock(hashtext('everturn.agent-calls'))`);
  const runId = await sendAsync(url, asker, asking(asked, 'SAY Yes.'));
  await until(async () => {
    const { rowCount } = await database.pool.query(
      `select from pg_stat_activity where wait_event = 'advisory' and datname = current_database()`,
    );
    return rowCount === 1;
  });

  await server.worker.kill('SIGKILL');
  await holder.query('commit');
  holder.release();
  await server.start('worker');

  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed' });
  expect(await received(asked)).toHaveLength(1);
  expect((await results(asker)).map((each) => answerOf(each)['status'])).toEqual(['answered']);
});

it('a busy agent answers after the turn in progress', async () => {
  const [asker, asked] = [await createAgent('Asker'), await createAgent('Asked')];
  const gate = createGate();
  gates.set('busy', gate);
  const first = await sendAsync(url, asked, 'GATE busy');
  await gate.reached;

  const runId = await sendAsync(url, asker, asking(asked, 'SAY Second.'));
  await until(async () => (await runsOf(asked)).length === 2);
  expect((await runsOf(asked))[1]).toMatchObject({ status: 'created' });
  gate.open();

  expect(await runEnd(url, first)).toMatchObject({ status: 'completed' });
  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed' });
  expect(answerOf((await results(asker))[0])).toMatchObject({ status: 'answered', response: ['Second.'] });
});

it('a message that nobody waits for is a turn of the other agent, and the call returns at once', async () => {
  const [asker, asked] = [await createAgent('Asker'), await createAgent('Asked')];
  const gate = createGate();
  gates.set('slow', gate);

  const answer = await client.agents.messages.create(asker, { input: asking(asked, 'GATE slow', TELL) });

  expect(answer.stop_reason.stop_reason).toBe('end_turn');
  const [run] = await runsOf(asked);
  expect((await results(asker))[0]).toMatchObject({ status: 'success' });
  expect((await results(asker))[0]!['tool_return']).toContain(run!['id']);
  await gate.reached;
  gate.open();
  expect(await runEnd(url, String(run!['id']))).toMatchObject({ status: 'completed' });
});

it('a message to all agents with some tags comes back with all answers, and one to too many with none', async () => {
  const asker = await createAgent('Asker', { tags: ['team-a'] });
  const team = [
    await createAgent('One', { tags: ['team-a', 'x'] }),
    await createAgent('Two', { tags: ['team-a', 'y'] }),
  ];
  for (let n = 0; n < 11; n++) await createAgent(`Crowd${n}`, { tags: ['crowd'] });
  const tagged = (tags: object) => `CALL ${ASK_TAGGED} ${JSON.stringify({ message: 'SAY Here.', ...tags })}`;

  const input = [
    tagged({ match_all: ['team-a'] }),
    tagged({ match_all: ['team-a'], match_some: ['y', 'z'] }),
    tagged({ match_some: ['crowd'] }),
    tagged({ match_some: ['nobody'] }),
  ].join('\nTHEN\n');
  await client.agents.messages.create(asker, { input });

  const [all, some, crowd, nobody] = await results(asker);
  expect(answerOf(all)).toMatchObject(
    team.map((id) => ({ agent_id: id, status: 'answered', response: ['Here.'] })),
  );
  expect(answerOf(some)).toMatchObject([{ agent_id: team[1] }]);
  expect(crowd).toMatchObject({ status: 'error' });
  expect(crowd!['tool_return']).toMatch(/^11 agents match .* at most 10/);
  expect(nobody!['tool_return']).toMatch(/No other agent has these tags/);
});

it('an agent that is asked cannot wait for the one that waits for it', async () => {
  const [first, second, third] = [
    await createAgent('First'),
    await createAgent('Second'),
    await createAgent('Third'),
  ];

  await client.agents.messages.create(first, {
    input: asking(second, asking(third, asking(first, 'SAY Never.'))),
  });

  expect(answerOf((await results(first))[0])).toMatchObject({ status: 'answered' });
  expect((await results(third))[0]).toMatchObject({ status: 'error' });
  expect((await results(third))[0]!['tool_return']).toMatch(/^Agent First .* waits for an answer of yours/);
  expect(await runsOf(first)).toHaveLength(1);
});

it('of two agents that ask each other at once one goes first, and both turns end', async () => {
  const [left, right] = [await createAgent('Left'), await createAgent('Right')];
  const [gateLeft, gateRight] = [createGate(), createGate()];
  gates.set('left', gateLeft);
  gates.set('right', gateRight);

  const runs = await Promise.all([
    sendAsync(url, left, `${asking(right, 'SAY From right.')}\nGATE left`),
    sendAsync(url, right, `${asking(left, 'SAY From left.')}\nGATE right`),
  ]);
  await Promise.all([gateLeft.reached, gateRight.reached]);
  gateLeft.open();
  gateRight.open();

  for (const run of runs) expect(await runEnd(url, run)).toMatchObject({ status: 'completed' });
  const statuses = [(await results(left))[0]!['status'], (await results(right))[0]!['status']];
  expect(statuses.sort()).toEqual(['error', 'success']);
});

it('a row of agents that ask each other ends at the limit', async () => {
  const agents: string[] = [];
  for (let n = 0; n < 7; n++) agents.push(await createAgent(`Link${n}`));
  const message = agents.slice(1).reduceRight((inner, agentId) => asking(agentId, inner), 'SAY The end.');

  await client.agents.messages.create(agents[0]!, { input: message });

  const statuses = await Promise.all(agents.map(async (id) => (await results(id))[0]?.['status']));
  expect(statuses).toEqual(['success', 'success', 'success', 'success', 'success', 'error', undefined]);
  expect((await results(agents[5]!))[0]!['tool_return']).toMatch(/number 6 in a row/);
});

it('a cancel stops the turns that are waited for, the one in progress and the one in a queue', async () => {
  const [asker, middle, last] = [
    await createAgent('Asker'),
    await createAgent('Middle'),
    await createAgent('Last'),
  ];
  const gate = createGate();
  gates.set('stuck', gate);
  const busy = await sendAsync(url, last, 'GATE stuck');
  await gate.reached;
  const runId = await sendAsync(url, asker, asking(middle, asking(last, 'SAY Never.')));
  await until(async () => (await runsOf(last)).length === 2);

  await call(url, 'POST', `/v1/agents/${asker}/messages/cancel`, { run_ids: [runId] });

  expect(await runEnd(url, runId)).toMatchObject({ status: 'cancelled' });
  expect(await runEnd(url, String((await runsOf(middle))[0]!['id']))).toMatchObject({ status: 'cancelled' });
  expect(await runEnd(url, String((await runsOf(last))[1]!['id']))).toMatchObject({ status: 'cancelled' });
  gate.open();
  expect(await runEnd(url, busy)).toMatchObject({ status: 'completed' });
});

it('a call says what became of an agent that did not answer', async () => {
  const asker = await createAgent('Asker');
  const rule = { tool_rules: [{ type: 'requires_approval', tool_name: 'memory_insert' }] };
  const careful = await createAgent('Careful', rule);
  const failing = await createAgent('Failing');
  const insert = 'CALL memory_insert {"label":"human","new_string":"x"}';
  const input = [
    asking(careful, insert),
    asking(careful, 'SAY Again.'),
    asking(failing, 'ERR 401'),
    asking(asker, 'SAY Me.'),
    asking('agent-00000000-0000-4000-8000-000000000000', 'SAY Who?'),
    asking('Careful', 'SAY Who?'),
  ].join('\nTHEN\n');

  await client.agents.messages.create(asker, { input });

  const all = await results(asker);
  expect(all.map(({ status }) => status)).toEqual(Array(6).fill('error'));
  expect(all.slice(0, 3).map((each) => answerOf(each)['status'])).toEqual([
    'waits_for_approval',
    'refused',
    'failed',
  ]);
  expect(all[3]!['tool_return']).toMatch(/your own id/);
  expect(all[4]!['tool_return']).toMatch(/no agent with the id/);
  expect(all[5]!['tool_return']).toMatch(/not the id of an agent/);
});
