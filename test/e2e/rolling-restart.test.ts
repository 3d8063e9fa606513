import Letta from '@letta-ai/letta-client';
import { startBalancer, type Balancer } from '../support/balancer';
import { startLiveServer, type LiveServer } from '../support/live-server';
import type { Served } from '../support/served';

// A deploy as operators do it: one process after the other is asked to stop and replaced, while clients go on.

let server: LiveServer;
let balancer: Balancer;
let client: Letta;
const apis: Served[] = [];
const workers: Served[] = [];

const useApis = () => balancer.use(apis.map(({ url }) => url ?? ''));

beforeAll(async () => {
  [server, balancer] = await Promise.all([startLiveServer({ record: false, roles: [] }), startBalancer()]);
  apis.push(...(await Promise.all([server.start('api'), server.start('api')])));
  workers.push(...(await Promise.all([server.start('worker'), server.start('worker')])));
  useApis();
  client = new Letta({ baseURL: balancer.url, apiKey: 'none' });
});
afterAll(async () => {
  await server.stop();
  await balancer.close();
});

/** Takes one process out, as a deploy does: no connections from then on, SIGTERM, and another one in its place. */
async function replace(list: Served[], at: number, roles: 'api' | 'worker'): Promise<void> {
  const old = list[at];
  if (roles === 'api') balancer.use(list.filter((_, index) => index !== at).map(({ url }) => url ?? ''));
  await old?.kill('SIGTERM');
  list[at] = await server.start(roles);
  useApis();
}

interface Sent {
  readonly label: string;
  readonly agentId: string;
  readonly said: string;
  readonly stopReason: string;
}

const REMEMBER = (label: string) => `CALL memory_insert {"label":"human","new_string":"${label}"}`;

/** Three steps of some 300 ms, with a memory edit in the middle. */
const inputOf = (label: string) =>
  `DELAY 300\n${REMEMBER(label)}\nTHEN\nDELAY 300\n${REMEMBER(`${label}'`)}\nTHEN\nDELAY 300\nSAY ${label}`;

/** Sends turn after turn to an agent of its own until told to stop; odd ones stream and pick up a stream that broke. */
async function talk(number: number, isOver: () => boolean): Promise<readonly Sent[]> {
  const agent = await client.agents.create({
    model: 'openai/gpt-4.1',
    memory_blocks: [{ label: 'human', value: 'start', limit: 100_000 }],
  });
  const sent: Sent[] = [];
  for (let count = 0; !isOver(); count++) {
    const label = `talk ${number} turn ${count}.`;
    const ended = await (count % 2 === 0 ? block(agent.id, label) : stream(agent.id, label));
    sent.push({ label, agentId: agent.id, ...ended });
  }
  return sent;
}

type Ended = Pick<Sent, 'said' | 'stopReason'>;

async function block(agentId: string, label: string): Promise<Ended> {
  const answer = await client.agents.messages.create(agentId, { input: inputOf(label) });
  return endOf(answer.messages, answer.stop_reason.stop_reason);
}

interface Frame {
  readonly message_type?: string;
  readonly content?: unknown;
  readonly stop_reason?: string;
  readonly run_id?: string | null;
  readonly seq_id?: number | null;
}

async function stream(agentId: string, label: string): Promise<Ended> {
  const frames: Frame[] = [];
  const read = async (source: PromiseLike<AsyncIterable<unknown>>) => {
    for await (const frame of await source) frames.push(frame as Frame); // as the SDK parsed it
  };
  const body = { input: inputOf(label), streaming: true, stream_tokens: true, background: true } as const;
  await read(client.agents.messages.create(agentId, body)).catch(() => undefined); // It broke: picked up below.
  while (!frames.some(({ message_type: type }) => type === 'stop_reason')) {
    const runId = frames.find(({ run_id: id }) => id)?.run_id ?? '';
    const after = Math.max(0, ...frames.map(({ seq_id: seq }) => seq ?? 0));
    await read(client.runs.messages.stream(runId, { starting_after: after })).catch(() => undefined);
  }
  return endOf(frames, frames.find(({ stop_reason: reason }) => reason)?.stop_reason ?? '');
}

const endOf = (messages: readonly object[], stopReason: string): Ended => ({
  stopReason,
  said: (messages as readonly Frame[])
    .flatMap(({ message_type: type, content }) => (type === 'assistant_message' ? [content] : []))
    .join(''),
});

it('replacing two workers and two APIs one by one under load fails no turn and repeats no edit', async () => {
  let isOver = false;
  const talking = Promise.all(Array.from({ length: 4 }, (_, number) => talk(number, () => isOver)));

  for (const at of [0, 1]) await replace(workers, at, 'worker');
  for (const at of [0, 1]) await replace(apis, at, 'api');
  isOver = true;
  const sent = (await talking).flat();

  expect(sent.length).toBeGreaterThan(16);
  expect(sent.filter(({ stopReason }) => stopReason !== 'end_turn')).toEqual([]);
  expect(sent.map(({ said }) => said)).toEqual(sent.map(({ label }) => label));
  const { rows } = await server.database.pool.query<{ status: string; count: number }>(
    'select status, count(*) from runs group by status',
  );
  expect(rows).toEqual([{ status: 'completed', count: sent.length }]);
  const agents = [...new Set(sent.map(({ agentId }) => agentId))];
  for (const agentId of agents) {
    const labels = sent.filter((turn) => turn.agentId === agentId).map(({ label }) => label);
    const block = await client.agents.blocks.retrieve('human', { agent_id: agentId });
    expect(block.value.split('\n')).toEqual(['start', ...labels.flatMap((label) => [label, `${label}'`])]);
  }
});
