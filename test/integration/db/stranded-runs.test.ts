import { findStrandedRuns } from '../../../db/mint-run';
import { createTestDatabase, type TestDatabase } from '../../support/stack';
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
