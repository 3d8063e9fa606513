import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createPool, type Pool } from '../db/pool';
import type { Cell } from './cells';
import type { Load } from './load';
import { findServices, type ServiceName } from './processes';

const MCP_SERVER = path.join(__dirname, 'mcp-server.js');
const LIVE_HEAP = path.join(__dirname, 'live-heap.js');

/** Everything that a run needs, each in a process of its own, and what it takes to look at it. */
export interface BenchStack {
  readonly api: string;
  readonly home: string;
  /** Where the server writes how much it holds, see live-heap.ts. */
  readonly liveHeapFile: string;
  readonly pids: Readonly<Record<ServiceName, number>>;
  readonly temporalAddress: string;
  readonly db: Pool;
  /** A server of the Model Context Protocol: where it listens, and how it is started on stdio. */
  readonly mcp: { readonly url: string; readonly stdio: readonly [command: string, ...args: string[]] };
  /** Runs a cell of empty workflows on the same Temporal server. */
  measureFloor(cell: Cell): Promise<Load>;
  stop(): Promise<void>;
}

/** Starts a fake model, Everturn in a temporary folder as `npm start` would, and the floor beside it. */
export async function startBenchStack(modelServer = 'model-server.js'): Promise<BenchStack> {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-bench-'));
  const children: ChildProcess[] = [];
  const stop = async () => {
    for (const child of children.reverse()) await end(child);
    fs.rmSync(home, { recursive: true, force: true });
  };
  try {
    const model = fork(path.join(__dirname, modelServer));
    children.push(model);
    const { url } = (await firstMessage(model)) as { url: string };
    const mcp = fork(MCP_SERVER);
    children.push(mcp);
    const { url: mcpUrl } = (await firstMessage(mcp)) as { url: string };
    const everturn = startEverturn(home, url);
    children.push(everturn);
    const api = await apiOf(everturn);
    const ports = JSON.parse(fs.readFileSync(path.join(home, 'ports.json'), 'utf8')) as Record<
      string,
      number
    >;
    const temporalAddress = `127.0.0.1:${ports['temporal'] ?? 0}`;
    // Standard output belongs to the report.
    const floor = fork(path.join(__dirname, 'floor', 'main.js'), [temporalAddress], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    children.push(floor);
    await firstMessage(floor);
    const db = createPool(databaseUrl(home, ports['postgres'] ?? 0), { max: 2, onError: () => undefined });
    return {
      api,
      home,
      liveHeapFile: liveHeapFileIn(home),
      pids: findServices(everturn.pid ?? 0),
      temporalAddress,
      db,
      mcp: { url: mcpUrl, stdio: [process.execPath, MCP_SERVER, 'stdio'] },
      measureFloor: async (cell) => {
        floor.send(cell);
        return (await firstMessage(floor)) as Load;
      },
      async stop() {
        await db.end();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startEverturn(home: string, modelUrl: string): ChildProcess {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/_API_KEY$|_BASE_URL$|^EVERTURN_/.test(name),
  );
  return spawn(process.execPath, [path.join(__dirname, '..', 'runtime', 'main.js')], {
    env: {
      ...Object.fromEntries(inherited),
      EVERTURN_HOME: home,
      PORT: '0',
      DATABASE_URL: '',
      TEMPORAL_ADDRESS: '',
      OPENAI_API_KEY: 'bench',
      OPENAI_BASE_URL: modelUrl,
      LOG_LEVEL: 'warn',
      MCP_DISABLE_STDIO: 'false',
      EVERTURN_MCP_PRIVATE_ADDRESSES: 'true',
      NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --require "${LIVE_HEAP}"`,
      BENCH_LIVE_HEAP: liveHeapFileIn(home),
      // Makes the supervisor stop when this process is killed.
      npm_lifecycle_event: 'bench',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

const liveHeapFileIn = (home: string): string => path.join(home, 'live-heap.txt');

async function apiOf(everturn: ChildProcess): Promise<string> {
  let output = '';
  if (!everturn.stdout) throw new Error('Everturn was started without a pipe');
  for await (const chunk of everturn.stdout.iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    const url = /API\s+(http:\S+)[^]*Ctrl-C stops/.exec(output)?.[1];
    if (url !== undefined) {
      everturn.stdout.resume();
      return url;
    }
  }
  throw new Error(`Everturn did not start:\n${output}`);
}

function databaseUrl(home: string, port: number): string {
  const password = fs.readFileSync(path.join(home, 'postgres.password'), 'utf8').trim();
  return `postgresql://everturn:${password}@127.0.0.1:${port}/everturn`;
}

async function firstMessage(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the benchmark ended (${String(code)})`);
  });
  const message = once(child, 'message').then(([first]) => first as unknown);
  return Promise.race([message, ended]);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
