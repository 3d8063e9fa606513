import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { freePort } from '../runtime/free-port';
import { guarded } from '../runtime/processes/launch';
import { readEnvironment } from '../config';
import type { ServerSetup } from './server';
import type { Services } from './services';

/** A server of its own, in one process or two, under its own task queue; all lanes share Postgres and Temporal. */
export interface Lane {
  readonly number: number;
  readonly isSplit: boolean;
  readonly url: string;
  kill(role: Role): Promise<void>;
  restart(role: Role): Promise<void>;
  stop(): Promise<void>;
}
export type Role = 'worker' | 'api' | 'server';

interface LaneOptions {
  readonly number: number;
  readonly isSplit: boolean;
  readonly home: string;
  readonly services: Services;
  readonly modelUrl: string;
  readonly setup: Omit<ServerSetup, 'lane'>;
}

export async function startLane(options: LaneOptions): Promise<Lane> {
  const { number, isSplit } = options;
  const port = await freePort();
  const running = new Map<Role, ChildProcess>();
  const restart = async (role: Role) => void running.set(role, await startProcess(options, role, port));
  const kill = async (role: Role) => {
    const child = running.get(role);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  const roles: readonly Role[] = isSplit ? ['worker', 'api'] : ['server'];
  await Promise.all(roles.map(restart));
  return {
    number,
    isSplit,
    url: `http://127.0.0.1:${port}`,
    kill,
    restart,
    async stop() {
      await Promise.all(roles.map(kill));
    },
  };
}

async function startProcess(options: LaneOptions, role: Role, port: number): Promise<ChildProcess> {
  const { home, services, number, setup, modelUrl } = options;
  const inherited = Object.entries(readEnvironment()).filter(
    ([name]) => !/_API_KEY$|_BASE_URL$|^(EVERTURN|TEMPORAL|LETTA)_/.test(name),
  );
  const log = fs.openSync(path.join(home, `lane-${number}-${role}.log`), 'a');
  const child = fork(path.join(__dirname, 'server.js'), [JSON.stringify({ ...setup, lane: number })], {
    cwd: home,
    env: {
      ...Object.fromEntries(inherited),
      EVERTURN_ROLES: role === 'server' ? 'all' : role,
      EVERTURN_HOME: home,
      PORT: String(port),
      HOST: '127.0.0.1',
      DATABASE_URL: services.databaseUrl,
      TEMPORAL_ADDRESS: services.temporalAddress,
      TEMPORAL_TASK_QUEUE: `prove-${number}`,
      OPENAI_API_KEY: 'prove',
      OPENAI_BASE_URL: modelUrl,
      LOG_LEVEL: 'warn',
    },
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  fs.closeSync(log);
  guarded(child, { name: `lane-${number}-${role}`, stopSignal: 'SIGTERM', guard: services.guard }, {});
  const ended = once(child, 'exit').then(() => {
    throw new Error(`a server of the kit ended at its start; see ${home}/lane-${number}-${role}.log`);
  });
  ended.catch(() => undefined); // Later it is killed on purpose.
  await Promise.race([once(child, 'message'), ended]);
  return child;
}
