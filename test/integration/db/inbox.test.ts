import { endEarly } from '../../../db/close-run';
import { readInbox } from '../../../db/inbox';
import { createTurnStore } from '../../../db/turns';
import type { TurnStore } from '../../../domain/turn-store';
import { createTestDatabase, type TestDatabase } from '../../support/stack';
import { until } from '../../support/started';
import { insertAgentWithMemory, insertWaitingRun, opened, replyTo } from '../../support/turn-rows';

let database: TestDatabase;
let turns: TurnStore;
beforeAll(async () => {
  database = await createTestDatabase();
  turns = createTurnStore(database.pool);
});
afterAll(() => database.drop());

it('a step that is ended while it looks for steered messages takes none of them in', async () => {
  const { id: agentId } = await insertAgentWithMemory(database.pool);
  const hostId = await insertWaitingRun(database.pool, agentId);
  const host = await opened(turns, hostId);
  const steeredId = await insertWaitingRun(database.pool, agentId, 'by the way', {
    multitask_strategy: 'steer',
  });
  const other = await database.pool.connect();
  await other.query('begin');
  await endEarly(other, { runId: hostId, conversationId: agentId, stopReason: 'cancelled' });

  const reading = readInbox(database.pool, host, { strategy: null, hasSteered: true, takesNew: true });
  const refused = expect(reading).rejects.toMatchObject({ code: 'SUPERSEDED' });
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  await until(async () => (await database.pool.query(waiting)).rowCount === 1);
  await other.query('commit');
  other.release();

  await refused;
  const { rows } = await database.pool.query<{ status: string; joined_run_id: string | null }>(
    'select status, joined_run_id from runs where id = $1',
    [steeredId],
  );
  expect(rows).toEqual([{ status: 'created', joined_run_id: null }]);
  const next = await opened(turns, steeredId);
  await expect(turns.saveReply(next, replyTo(next))).resolves.toMatchObject({ end: { next: null } });
});
