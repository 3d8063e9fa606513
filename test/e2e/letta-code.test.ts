import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { FakeOpenAi } from '../support/fake-openai';
import { runLettaCode, type LettaCodeRun } from '../support/letta-code';
import { startLiveServer, type LiveServer } from '../support/live-server';
import { until } from '../support/started';

// The unmodified Letta Code, as its users run it without a terminal. Its tools run on its side, by approvals.

let fake: FakeOpenAi;
let server: LiveServer;
let folder: string;
let home: string;
let cwd: string;
let agentId: string;

beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-letta-code-'));
  [home, cwd] = ['home', 'work'].map((name) => path.join(folder, name)) as [string, string];
  fs.mkdirSync(home);
  fs.mkdirSync(cwd);
  server = await startLiveServer();
  ({ fake } = server);
  agentId = (await answer('SAY made', '--new-agent', '-m', 'openai/gpt-4.1')).agent_id;
}, 780_000);
afterAll(async () => {
  await server.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

const letta = (...args: readonly string[]): Promise<LettaCodeRun> =>
  runLettaCode(args, { url: server.url, home, cwd });

interface Answer {
  readonly result: string;
  readonly agent_id: string;
  readonly conversation_id: string;
  readonly usage: { readonly step_count: number };
}
/** Says something and reads the JSON that Letta Code answers with. */
async function answer(prompt: string, ...args: readonly string[]): Promise<Answer> {
  const run = await letta('-p', prompt, ...args, '--output-format', 'json');
  expect(run).toMatchObject({ exitCode: 0 });
  return JSON.parse(run.stdout) as Answer;
}

interface Line {
  readonly type: string;
  readonly message_type?: string;
  readonly content?: unknown;
  readonly tool_return?: unknown;
  readonly result?: string;
  readonly conversation_id?: string;
}
const linesOf = (stdout: string): readonly Line[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

async function get<T>(route: string): Promise<T> {
  const response = await fetch(`${server.url}/v1/${route}`);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}
/** The messages of the last request to the model, and what of them is about skills. */
function lastAsked() {
  const body = fake.requests.at(-1)?.body;
  const messages = (body?.['messages'] ?? []) as readonly { role: string; content: unknown }[]; // our own chat request
  const texts = messages.map(({ content }) => JSON.stringify(content));
  return { messages, texts, skills: texts.filter((text) => text.startsWith('"<available_skills>')) };
}

it('makes an agent with its own system prompt, memory and tools', async () => {
  const agent = await get<{ tags: string[]; agent_type: string; tools: { name: string }[] }>(
    `agents/${agentId}?include=agent.tags&include=agent.tools`,
  );

  expect(agent).toMatchObject({ agent_type: 'letta_v1_agent', tags: ['origin:letta-code'] });
  expect(agent.tools.map(({ name }) => name).sort()).toEqual(['fetch_webpage', 'web_search']);
});

it('goes on with a conversation, and the model is told of its skills once', async () => {
  const first = await answer('SAY apple', '--agent', agentId);
  const told = lastAsked();

  const again = await letta('--conversation', first.conversation_id, '-p', 'SAY pear');

  expect(first).toMatchObject({ result: 'apple', agent_id: agentId });
  expect(again).toMatchObject({ exitCode: 0, stdout: 'pear\n' });
  const asked = lastAsked();
  expect(asked.messages.slice(0, told.messages.length)).toEqual(told.messages);
  expect(asked.texts.join()).toContain('apple');
  expect([told.skills.length, asked.skills.length]).toEqual([1, 1]);
  expect(asked.skills[0]).toContain('SKILL.md');
});

it('begins a new conversation that knows nothing of the other, and streams JSON', async () => {
  const other = await answer('SAY secret-fruit', '--agent', agentId);

  const run = await letta('--agent', agentId, '--new', '-p', 'SAY one two three', '--output-format', 'stream-json'); // prettier-ignore

  const lines = linesOf(run.stdout);
  expect(lines[0]).toMatchObject({ type: 'system', subtype: 'init', agent_id: agentId });
  const said = lines.filter(({ message_type: type }) => type === 'assistant_message');
  expect(said.map(({ content }) => content).join('')).toBe('one two three');
  expect(lines.at(-1)).toMatchObject({ type: 'result', subtype: 'success', result: 'one two three' });
  expect(lines.at(-1)?.conversation_id).not.toBe(other.conversation_id);
  expect(lastAsked().texts.join()).not.toContain('secret-fruit');
});

it('runs the calls of its own shell tool itself and answers with what they came to', async () => {
  const call = (cmd: string) => `CALL exec_command ${JSON.stringify({ cmd, description: 'a test' })}`;
  const prompt = [
    call('echo made > here.txt; echo $((40 + 2))'),
    call('cat missing.txt'),
    'THEN',
    'SAY done',
  ];

  const { result, conversation_id: id, usage } = await answer(prompt.join('\n'), '--agent', agentId);

  expect(result).toBe('done');
  expect(usage.step_count).toBe(2);
  expect(fs.readFileSync(path.join(cwd, 'here.txt'), 'utf8')).toBe('made\n');
  const messages = await get<Line[]>(`conversations/${id}/messages?order=asc`);
  expect(messages.map(({ message_type: type }) => type)).toEqual([
    'system_message',
    'system_message', // the note of its skills
    'user_message',
    'approval_request_message',
    'approval_response_message',
    'tool_return_message',
    'tool_return_message',
    'assistant_message',
  ]);
  const [first, second] = messages.flatMap(({ tool_return: text }) => (text === undefined ? [] : [text]));
  expect(first).toContain('42');
  expect(second).toContain('missing.txt');
});

it('a conversation whose client was killed in the middle of a call goes on with the next one', async () => {
  const { conversation_id: id } = await answer('SAY ready', '--agent', agentId);
  const call = `CALL exec_command ${JSON.stringify({ cmd: 'touch begun; sleep 600', description: 'long' })}`;
  const killed = new AbortController();
  const cut = runLettaCode(['--conversation', id, '-p', `${call}\nTHEN\nSAY never`], {
    url: server.url,
    home,
    cwd,
    signal: killed.signal,
  });
  await until(() => fs.existsSync(path.join(cwd, 'begun')), 120_000);
  killed.abort();
  expect((await cut).exitCode).toBeNull();

  const next = await letta('--conversation', id, '-p', 'SAY recovered');

  expect(next).toMatchObject({ exitCode: 0, stdout: 'recovered\n' });
});

it('shows the model a picture that one of its tools has looked at', async () => {
  const file = path.join(cwd, 'pixel.png');
  fs.writeFileSync(file, Buffer.from(PIXEL, 'base64'));

  const prompt = `CALL ViewImage ${JSON.stringify({ path: file })}\nTHEN\nSAY seen`;
  expect((await answer(prompt, '--agent', agentId)).result).toBe('seen');

  const { messages, texts } = lastAsked();
  expect(messages.map(({ role }) => role).slice(-3)).toEqual(['assistant', 'tool', 'user']);
  expect(texts.at(-1)).toContain('data:image/png;base64,');
});
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

it('takes messages as lines of JSON, one turn after the other, in one conversation', async () => {
  const user = (content: string) => JSON.stringify({ type: 'user', message: { role: 'user', content } });
  const results = (stdout: string): number => stdout.split('"type":"result"').length - 1;

  const run = await runLettaCode(
    ['--agent', agentId, '--input-format', 'stream-json', '--output-format', 'stream-json'],
    {
      url: server.url,
      home,
      cwd,
      input: [
        user('SAY first'),
        user('CALL exec_command {"cmd":"pwd","description":"where"}\nTHEN\nSAY second'),
      ],
      isAnswered: (stdout, sent) => results(stdout) >= sent,
    },
  );

  const lines = linesOf(run.stdout).filter(({ type }) => type === 'result');
  expect(lines.map(({ result }) => result)).toEqual(['first', 'second']);
  expect(new Set(lines.map(({ conversation_id: id }) => id)).size).toBe(1);
});

it('says what went wrong when there is no such agent or model', async () => {
  const agent = await letta('--agent', 'agent-00000000-0000-4000-8000-000000000000', '-p', 'SAY x');
  const model = await letta('--new-agent', '-m', 'openai/gpt-nope', '-p', 'SAY x');

  expect([agent.exitCode, model.exitCode]).toEqual([1, 1]);
  expect(agent.stderr + agent.stdout).toContain('not found');
  expect(model.stderr + model.stdout).toContain('openai/gpt-nope not found');
});

it('connects a provider with a key of its user, changes the key, and talks to its models', async () => {
  const connect = async (key: string): Promise<unknown> => {
    const run = await letta('connect', 'openai', key);
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('lc-openai') });
    return get('providers/?name=lc-openai');
  };

  const connected = await connect('sk-first-of-the-user');
  const again = await connect('sk-next-of-the-user');
  const { result } = await answer('SAY connected', '--new-agent', '-m', 'lc-openai/gpt-4.1');

  expect(connected).toEqual([expect.objectContaining({ name: 'lc-openai', provider_category: 'byok' })]);
  expect(again).toEqual([expect.objectContaining({ id: (connected as [{ id: string }])[0].id })]);
  expect(result).toBe('connected');
  expect(fake.requests.at(-1)?.authorization).toBe('Bearer sk-next-of-the-user');
});
