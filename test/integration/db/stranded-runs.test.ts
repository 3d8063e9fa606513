import pino from 'pino';
import { sweep } from '../../../api/sweeper';
import { findStrandedRuns } from '../../../db/mint-run';
import { createTestDatabase, type TestDatabase } from '../../support/stack';
import { turnsThat } from '../../support/turns-double';
import { insertAgentWithMemory, insertWaitingRun } from '../../support/turn-rows';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const secondsAgo = (seconds: number): Date => new Date(Date.now() - seconds * 1_000);

async function agentWithRun(columns: Readonly<Record<string, unknown>>): Promise<[string, string]> {
  const { id } = await insertAgentWithMemory(database.pool);
  return [id, await insertWaitingRun(database.pool, id, 'Hi', columns)];
}
const stranded = async (): Promise<string[]> =>
  (await findStrandedRuns(database.pool)).map(({ runId }) => runId);

it('a run that did not begin is stranded after four seconds, one that began after ten without life', async () => {
  const [, justStored] = await agentWithRun({ created_at: secondsAgo(0) });
  const [, notBegun] = await agentWithRun({ created_at: secondsAgo(5) });
  const [, begun] = await agentWithRun({ status: 'running', created_at: secondsAgo(5) });
  const [, silent] = await agentWithRun({ status: 'running', created_at: secondsAgo(60) });
  const [, alive] = await agentWithRun({ status: 'running', created_at: secondsAgo(60) });
  await database.pool.query(
    `insert into run_events (run_id, seq, event) values ($1, 1, '{"type": "run-end"}')`,
    [alive],
  );

  const found = await stranded();

  expect(found).toEqual(expect.arrayContaining([notBegun, silent]));
  for (const held of [justStored, begun, alive]) expect(found).not.toContain(held);
});

it('a message that waits behind a turn is not stranded', async () => {
  const [agentId, running] = await agentWithRun({ status: 'running', created_at: secondsAgo(5) });
  const waiting = await insertWaitingRun(database.pool, agentId, 'next', { created_at: secondsAgo(5) });

  const found = await stranded();

  expect(found).not.toContain(running);
  expect(found).not.toContain(waiting);
});

it('a turn that ends while the sweeper goes through its list is not started again', async () => {
  const [, stranded] = await agentWithRun({ created_at: secondsAgo(5) });
  const [, ending] = await agentWithRun({ created_at: secondsAgo(5) });
  const started: string[] = [];

  await sweep({
    db: database.pool,
    log: pino({ level: 'silent' }),
    turns: turnsThat({
      // As its workflow does: the run ends, then the workflow is gone.
      isHeld: async () => {
        await database.pool.query(`update runs set status = 'completed' where id = $1`, [ending]);
        return false;
      },
      startIfIdle: ({ runId }) => Promise.resolve(started.push(runId) > 0),
    }),
  });

  expect(started).toContain(stranded);
  expect(started).not.toContain(ending);
});
