import Letta from '@letta-ai/letta-client';
import { readdirSync, readFileSync } from 'node:fs';
import type { FakeOpenAi } from '../support/fake-openai';
import { call, runEnd, sendAsync } from '../support/live-api';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
import { isAlive, until } from '../support/started';

// Tools that are TypeScript source, through the unmodified SDK, run by a worker of its own.

let server: LiveServer;
let fake: FakeOpenAi;
let url: string;
let client: Letta;

beforeAll(async () => {
  server = await startLiveServer({ roles: SPLIT });
  ({ fake, url } = server);
  client = new Letta({ baseURL: url, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.stop());

const source = (name: string, body: string) => `
/**
 * Does it.
 * @param x - text
 * @param {integer} times - how often
 */
export async function ${name}(x: string, times: number = 1): Promise<unknown> {
  ${body}
}`;
async function agentWith(source_code: string, fields: object = {}) {
  const tool = await client.tools.create({ source_code, source_type: 'typescript' });
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
/** Denos that run below a process. */
const toolsBelow = (pid: number): number[] =>
  readdirSync('/proc').filter((each) => /^\d+$/.test(each)).map(Number).filter((each) => {
    try {
      const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${each}/status`, 'utf8'))?.[1]);
      return parent === pid && readFileSync(`/proc/${each}/cmdline`, 'utf8').includes('run-tool.mjs');
    } catch {
      return false; // It ended meanwhile.
    }
  }); // prettier-ignore

it('an agent calls a tool that is a TypeScript function, and the model reads what it returned', async () => {
  const tool = await client.tools.create({
    source_code: source(
      'roll',
      "console.log('rolling in', Deno.env.get('CITY')); return { rolled: x.repeat(times), agent: process.env.LETTA_AGENT_ID };",
    ),
    source_type: 'typescript',
  });
  expect(tool).toMatchObject({
    name: 'roll',
    source_type: 'typescript',
    description: 'Does it.',
    json_schema: {
      name: 'roll',
      description: 'Does it.',
      parameters: {
        type: 'object',
        properties: {
          x: { type: 'string', description: 'text' },
          times: { type: 'integer', description: 'how often' },
        },
        required: ['x'],
      },
    },
  });
  const agent = await client.agents.create({
    model: 'openai/gpt-4.1',
    include_base_tools: false,
    secrets: { CITY: 'Rome' },
  });
  await client.agents.tools.attach(tool.id, { agent_id: agent.id });
  const from = fake.requests.length;

  const message = await returned(agent.id, 'CALL roll {"x": "6", "times": 2}');

  expect(message).toMatchObject({
    name: 'roll',
    status: 'success',
    tool_return: `{"rolled":"66","agent":"${agent.id}"}`,
    stdout: ['rolling in Rome\n'],
    stderr: [],
  });
  const last = fake.requests.slice(from).at(-1)?.raw.toString() ?? '';
  expect(last).toContain('rolled');
  expect(last).not.toContain('rolling in Rome');
});

it('an exception reaches the client with its stack, and the turn goes on', async () => {
  const agent = await agentWith(source('boom', "throw new TypeError('bad ' + x);"));

  const { messages, stop_reason } = await client.agents.messages.create(agent.id, {
    input: 'CALL boom {"x":"y"}',
  });

  expect(messages.find((message) => message.message_type === 'tool_return_message')).toMatchObject({
    status: 'error',
    tool_return: 'Error executing function boom: TypeError: bad y',
    stderr: [expect.stringMatching(/^TypeError: bad y\n {4}at boom \(tool\.ts:8:\d+\)$/)],
  });
  expect(stop_reason.stop_reason).toBe('end_turn');
});

it('a source without documentation or with an error is refused with the reason', async () => {
  const create = (source_code: string) => client.tools.create({ source_code, source_type: 'typescript' });
  const prefix = 'Failed to derive json schema: Schema generation failed: ';

  await expect(create('export function f(a: string) {}')).rejects.toMatchObject({
    status: 400,
    error: { detail: `${prefix}Function f missing docstring: describe it in a /** ... */ comment before it` },
  });
  await expect(create('\nexport function f(a: string {}')).rejects.toMatchObject({
    status: 400,
    error: { detail: `${prefix}Failed to parse source code: ',' expected (line 2)` },
  });
});

it('a source is tried without an agent, and a tool of an agent by hand', async () => {
  const agent = await agentWith(source('shout', 'return x.toUpperCase();'));

  const tried = await call<object>(url, 'POST', '/v1/tools/run', {
    source_code: source('tried', "return x + Deno.env.get('KEY');"),
    source_type: 'typescript',
    args: { x: 'a' },
    env_vars: { KEY: 'v' },
  });
  const byHand = await client.agents.tools.run('shout', { agent_id: agent.id, args: { x: 'hi' } });

  expect(tried).toMatchObject({ name: 'tried', tool_return: 'av', status: 'success' });
  expect(byHand).toMatchObject({ status: 'success', func_return: 'HI' });
});

it('run_code runs JavaScript and TypeScript', async () => {
  const agent = await client.agents.create({ model: 'openai/gpt-4.1', tools: ['run_code'], include_base_tools: false });

  for (const [language, code] of [['js', 'console.log(1);\n6 * 7'], ['ts', 'const a: number = 42;\nconsole.log(1);\na']]) {
    const message = await returned(agent.id, `CALL run_code ${JSON.stringify({ code, language })}`);
    expect(JSON.parse((message as { tool_return: string }).tool_return)).toEqual({
      results: ['42'],
      logs: { stdout: ['1\n'], stderr: [] },
    });
  }
}); // prettier-ignore

it('cancelling a run kills its tool', async () => {
  const agent = await agentWith(source('slow', 'for (;;);'));
  const runId = await sendAsync(url, agent.id, 'CALL slow {"x":"y"}');
  await until(() => toolsBelow(server.worker.pid).length === 1);

  await call(url, 'POST', `/v1/agents/${agent.id}/messages/cancel`, { run_ids: [runId] });

  await until(() => toolsBelow(server.worker.pid).length === 0);
  expect(await runEnd(url, runId)).toMatchObject({ status: 'cancelled' });
});

it('a worker that is killed takes its tool along, and the outcome of the call is unknown', async () => {
  const agent = await agentWith(source('charge', 'for (;;);'));
  const runId = await sendAsync(url, agent.id, 'CALL charge {"x":"y"}');
  await until(() => toolsBelow(server.worker.pid).length === 1);
  const [tool = 0] = toolsBelow(server.worker.pid);

  await server.worker.kill('SIGKILL');
  await until(() => !isAlive(tool));
  await server.start('worker');

  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed' });
  const [effect] = await call<object[]>(url, 'GET', `/v1/effects?run_id=${runId}`);
  expect(effect).toMatchObject({ tool_name: 'charge', status: 'unknown' });
});
