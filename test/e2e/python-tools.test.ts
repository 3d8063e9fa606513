import Letta from '@letta-ai/letta-client';
import { readdirSync, readFileSync } from 'node:fs';
import type { FakeOpenAi } from '../support/fake-openai';
import { sampleBody } from '../support/letta-samples';
import { call, runEnd, sendAsync } from '../support/live-api';
import { runPython } from '../support/python-sdk';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';
import { isAlive, until } from '../support/started';

// Tools that are Python source, through the unmodified SDKs, run by a worker of its own.

let server: LiveServer;
let fake: FakeOpenAi;
let database: TestDatabase;
let url: string;
let client: Letta;

beforeAll(async () => {
  server = await startLiveServer({ roles: SPLIT });
  ({ database, fake, url } = server);
  client = new Letta({ baseURL: url, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.stop());

const source = (name: string, body: string, parameter = 'x: str') =>
  `def ${name}(${parameter}):\n    """Do it.\n\n    Args:\n        x: text\n    """\n    ${body}\n`;
async function agentWith(source_code: string, fields: object = {}) {
  const tool = await client.tools.create({ source_code });
  return client.agents.create({
    model: 'openai/gpt-4.1',
    tool_ids: [tool.id],
    include_base_tools: false,
    ...fields,
  });
}
const returned = async (agentId: string, input: string) => {
  const { messages } = await client.agents.messages.create(agentId, { input });
  return messages.find((message) => message.message_type === 'tool_return_message');
};
/** Tools that run below a process, by their command lines. */
const toolsBelow = (pid: number): number[] =>
  readdirSync('/proc').filter((each) => /^\d+$/.test(each)).map(Number).filter((each) => {
    try {
      const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${each}/status`, 'utf8'))?.[1]);
      return parent === pid && readFileSync(`/proc/${each}/cmdline`, 'utf8').includes('run_tool.py');
    } catch {
      return false; // It ended meanwhile.
    }
  }); // prettier-ignore

it('an agent calls a tool that is a Python function, and the model reads what it returned', async () => {
  const body = 'import os\n    print("rolling in", os.environ["CITY"])\n    return f"rolled {x} {os.environ[\'LETTA_AGENT_ID\']}"';
  const agent = await agentWith(source('roll', body), { secrets: { CITY: 'Rome' } });
  const from = fake.requests.length;

  const message = await returned(agent.id, 'CALL roll {"x": "6"}');

  expect(message).toMatchObject({
    name: 'roll', status: 'success', tool_return: `rolled 6 ${agent.id}`, stdout: ['rolling in Rome\n'], stderr: [],
  });
  const last = fake.requests.slice(from).at(-1)?.raw.toString() ?? '';
  expect(last).toContain(`rolled 6 ${agent.id}`);
  expect(last).not.toContain('rolling in Rome');
}); // prettier-ignore

it('an exception reaches client and model in the recorded words, and the turn goes on', async () => {
  const agent = await agentWith(source('boom', 'raise ValueError("bad " + x)'));
  const recorded = (sampleBody('messages.create.tool_exception.json') as { messages: { tool_return?: string; status?: string }[] }).messages[1];

  const message = await returned(agent.id, 'CALL boom {"x":"y"}');

  expect(message).toMatchObject({ tool_return: recorded?.tool_return, status: recorded?.status, stdout: [] });
  expect(message).toMatchObject({ stderr: [expect.stringMatching(/^Traceback [\s\S]*ValueError: bad y\n$/)] });
}); // prettier-ignore

it('a tool reads its agent', async () => {
  const agent = await agentWith(source('who', 'return agent_state.name + x', 'agent_state, x: str'), {
    name: 'Ada',
  });

  expect(await returned(agent.id, 'CALL who {"x":"!"}')).toMatchObject({ tool_return: 'Ada!' });
});

it('a tool writes to the memory of its agent, in a turn and by hand, and the model is told', async () => {
  const body = 'block = agent_state.memory.get_block("notes")\n    block.value = block.value + "\\n" + x';
  const agent = await agentWith(source('jot', body, 'agent_state, x: str'), {
    memory_blocks: [{ label: 'notes', value: 'first' }],
  });
  const notes = async () => (await client.agents.blocks.retrieve('notes', { agent_id: agent.id })).value;

  expect(await returned(agent.id, 'CALL jot {"x":"second"}')).toMatchObject({ status: 'success' });

  expect(await notes()).toBe('first\nsecond');
  await client.agents.messages.create(agent.id, { input: 'And?' });
  expect(fake.requests.at(-1)?.raw.toString()).toContain('first\\nsecond');
  const { rows } = await database.pool.query(
    `select parts from messages where agent_id = $1 and role = 'tool'`,
    [agent.id],
  );
  expect(JSON.stringify(rows)).not.toContain('before');
  await client.agents.tools.run('jot', { agent_id: agent.id, args: { x: 'third' } });
  expect(await notes()).toBe('first\nsecond\nthird');
});

it('a source is tried without an agent, and a tool of an agent by hand', async () => {
  const agent = await agentWith(source('shout', 'return x.upper()'), {});

  const tried = await call<object>(url, 'POST', '/v1/tools/run', {
    source_code: source('tried', 'import os\n    return x + os.environ["KEY"]'),
    args: { x: 'a' },
    env_vars: { KEY: 'v' },
  });
  const byHand = await client.agents.tools.run('shout', { agent_id: agent.id, args: { x: 'hi' } });

  expect(tried).toMatchObject({ message_type: 'tool_return_message', name: 'tried', tool_return: 'av', status: 'success' });
  expect(byHand).toMatchObject({ status: 'success', func_return: 'HI' });
  const { rows } = await database.pool.query(`select source, env from tool_runs where tool_name = 'tried'`);
  expect(rows).toEqual([{ source: null, env: null }]);
}); // prettier-ignore

it('run_code runs Python', async () => {
  const agent = await client.agents.create({ model: 'openai/gpt-4.1', tools: ['run_code'], include_base_tools: false });

  const message = await returned(agent.id, `CALL run_code ${JSON.stringify({ code: 'print(1)\n6 * 7', language: 'python' })}`);

  expect(JSON.parse((message as { tool_return: string }).tool_return)).toEqual({
    results: ['42'],
    logs: { stdout: ['1\n'], stderr: [] },
  });
}); // prettier-ignore

it('the Python SDK does the same', async () => {
  expect(await runPython('source_tools.py', url)).toEqual([
    "tool: greet True ['name']",
    "returned: success Hello Ada! Hello Ada! ['greeting in Rome\\n']",
    'by hand: success Hello Bob!',
    'refused: Failed to derive json schema: Schema generation failed: Function f missing docstring',
  ]);
});

it('cancelling a run kills its tool', async () => {
  const agent = await agentWith(source('slow', 'import time\n    time.sleep(60)'));
  const runId = await sendAsync(url, agent.id, 'CALL slow {"x":"y"}');
  await until(() => toolsBelow(server.worker.pid).length === 1);

  await call(url, 'POST', `/v1/agents/${agent.id}/messages/cancel`, { run_ids: [runId] });

  await until(() => toolsBelow(server.worker.pid).length === 0);
  expect(await runEnd(url, runId)).toMatchObject({ status: 'cancelled' });
});

it('a worker that is killed takes its tool along, and the outcome of the call is unknown', async () => {
  const agent = await agentWith(source('charge', 'import time\n    time.sleep(60)'));
  const runId = await sendAsync(url, agent.id, 'CALL charge {"x":"y"}');
  await until(() => toolsBelow(server.worker.pid).length === 1);
  const [tool = 0] = toolsBelow(server.worker.pid);

  await server.worker.kill('SIGKILL');
  await until(() => !isAlive(tool));
  await server.start('worker');

  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed' });
  const [effect] = await call<object[]>(url, 'GET', `/v1/effects?run_id=${runId}`);
  expect(effect).toMatchObject({ tool_name: 'charge', status: 'unknown' });
  const { rows } = await database.pool.query(`select attempt from tool_executions where run_id = $1`, [
    runId,
  ]);
  expect(rows).toHaveLength(1);
});
