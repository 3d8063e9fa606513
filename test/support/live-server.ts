import { startFakeOpenAI, type FakeOpenAi, type FakeOpenAiOptions } from './fake-openai';
import { serve, type Served } from './served';
import { createTestDatabase, testTemporalAddress, type TestDatabase } from './stack';

type Environment = Readonly<Record<string, string>>;
type Roles = 'all' | 'api' | 'worker';

export interface LiveServerOptions extends FakeOpenAiOptions {
  /** What its processes are given beside its database, its task queue and the fake. */
  readonly env?: Environment;
  /** What its processes run instead of the built server. */
  readonly program?: string;
  /** The processes to begin with; one that does everything unless said otherwise. */
  readonly roles?: readonly Roles[];
}

/** The built server over a database and a task queue of its own, with the fake as OpenAI. */
export interface LiveServer {
  readonly database: TestDatabase;
  readonly fake: FakeOpenAi;
  /** Where the API that was started last listens. */
  readonly url: string;
  /** The process with a worker in it that was started last. */
  readonly worker: Served;
  /** Starts one process more, with `env` and `program` in place of what all are given. */
  start(roles: Roles, env?: Environment, program?: string): Promise<Served>;
  /** Asks its processes to end and waits until all have; what they used stays. */
  halt(): Promise<void>;
  /** Ends its processes and what they used. */
  stop(): Promise<void>;
}

/** API and worker apart, so that one can die without the other. */
export const SPLIT = ['worker', 'api'] as const;

/** Starts a server of the test's own on the Postgres and the Temporal of the test run, which it must leave alone. */
export async function startLiveServer(options: LiveServerOptions = {}): Promise<LiveServer> {
  const { env: ofAll, program: theirs, roles: first = ['all'], ...model } = options;
  const [database, fake] = await Promise.all([createTestDatabase(), startFakeOpenAI(model)]);
  const running: Served[] = [];
  let url = '';
  let worker: Served | null = null;

  async function start(roles: Roles, env: Environment = {}, program = theirs): Promise<Served> {
    const common = {
      EVERTURN_ROLES: roles,
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: testTemporalAddress(),
      TEMPORAL_TASK_QUEUE: new URL(database.url).pathname.slice(1),
      OPENAI_API_KEY: 'sk-test',
      OPENAI_BASE_URL: fake.url,
    };
    const started = await serve({ ...common, ...ofAll, ...env }, program);
    running.push(started);
    if (started.url !== null) url = started.url;
    if (roles !== 'api') worker = started;
    return started;
  }

  async function halt(): Promise<void> {
    await Promise.all(running.map((each) => each.kill('SIGTERM')));
  }

  await Promise.all(first.map((roles) => start(roles)));
  return {
    database,
    fake,
    get url() {
      return url;
    },
    get worker() {
      if (!worker) throw new Error('no process with a worker was started');
      return worker;
    },
    start,
    halt,
    async stop() {
      await halt();
      await fake.close();
      await database.drop();
    },
  };
}
