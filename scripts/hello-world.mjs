// Starts the real thing with `npm start` on a data folder and a port of its own, runs the hello world through the
// unmodified SDK against the demo model, and stops it again. Exit code 0 if the agent used and kept its memory.
import { Letta } from '@letta-ai/letta-client';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn hello '));
const server = spawn('npm', ['start'], {
  env: {
    ...process.env,
    EVERTURN_HOME: home,
    PORT: '0',
    OPENAI_API_KEY: '',
    ANTHROPIC_API_KEY: '',
    GEMINI_API_KEY: '',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});

/** The API's address, from the ready text; fails when the server ends before it is ready. */
async function readyUrl() {
  let text = '';
  server.stdout.on('data', (chunk) => (text += chunk));
  const deadline = Date.now() + 180_000;
  while (Date.now() < deadline) {
    const url = /API\s+(http:\/\/\S+)/.exec(text)?.[1];
    if (url) return url;
    if (server.exitCode !== null) throw new Error(`npm start ended with code ${server.exitCode}:\n${text}`);
    await Promise.race([once(server.stdout, 'data'), once(server, 'exit')]);
  }
  throw new Error(`npm start was not ready in time:\n${text}`);
}

function expectText(what, text, expected) {
  if (!text.includes(expected)) throw new Error(`${what}: expected "${expected}" in: ${text}`);
  console.log(`${what}: ${text}`);
}

async function helloWorld(baseURL) {
  const client = new Letta({ baseURL, apiKey: 'none' });
  const agent = await client.agents.create({
    model: 'everturn/demo',
    memory_blocks: [
      { label: 'human', value: "The human's name is Chad. They like vibe coding." },
      { label: 'persona', value: 'My name is Sam, the all-knowing sentient AI.' },
    ],
    tools: ['web_search', 'fetch_webpage'],
  });
  const ask = async (input) => {
    const { messages } = await client.agents.messages.create(agent.id, { input });
    return messages.map((message) => message.content ?? '').join(' ');
  };
  expectText('reads its memory', await ask('What do you know about me?'), 'vibe coding');
  await ask('I like chess');
  expectText('keeps what it learns', await ask('What do you know about me?'), 'chess');
}

let exitCode = 0;
try {
  await helloWorld(await readyUrl());
} catch (error) {
  console.error(error);
  exitCode = 1;
} finally {
  if (server.exitCode === null) {
    // npm may end before the server that it started; the pipe closes when the last of them has ended.
    const ended = once(server, 'close');
    server.kill('SIGTERM');
    await ended;
  }
  fs.rmSync(home, { recursive: true, force: true });
}
process.exit(exitCode);
