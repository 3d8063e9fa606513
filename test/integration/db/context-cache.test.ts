import fc from 'fast-check';
import { copyMessages, contextUpTo } from '../../../db/fork-thread';
import { createContextCache, readMark, type ContextCache } from '../../../db/context-cache';
import { importMessages } from '../../../db/import-messages';
import { createPool, inTransaction, type Pool, type Queryable } from '../../../db/pool';
import { readContext } from '../../../db/read-context';
import { resetThread } from '../../../db/reset-thread';
import { undoCompactions } from '../../../db/undo-compactions';
import { closeDangling } from '../../../db/mend-thread';
import { findGaps } from '../../../domain/whole-transcript';
import { newId } from '../../../new-id';
import { insertAgent, insertConversation, insertRun } from '../../support/rows';
import { createTestDatabase, type TestDatabase } from '../../support/stack';

let database: TestDatabase;
let db: Pool;
let otherPool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.pool;
  otherPool = createPool(database.url, { max: 4, onError: () => undefined });
});
afterAll(async () => {
  await otherPool.end();
  await database.drop();
});

const text = (value: string) => JSON.stringify([{ type: 'text', text: value }]);

async function append(
  on: Queryable,
  id: string,
  { role = 'user', parts = text(newId('message')), inContext = true } = {},
): Promise<void> {
  await on.query(
    `insert into messages (id, conversation_id, agent_id, role, parts, in_context)
     select $1, c.id, c.agent_id, $3, $4, $5 from conversations c where c.id = $2`,
    [newId('message'), id, role, parts, inContext],
  );
}

/** The n-th message of a thread, counted round. */
const NTH = `(select id from messages where conversation_id = $1 order by seq
               offset $2::int % greatest(1, (select count(*)::int from messages where conversation_id = $1)) limit 1)`;
const change = (sql: string) => async (id: string, n: number) => {
  await db.query(sql, [id, n]);
};

/** Every way in which a context changes: as our code does it, and as an operator would by hand. */
const CHANGES: Readonly<Record<string, (id: string, n: number) => Promise<void>>> = {
  'a message joins': (id) => append(db, id),
  'two messages join': async (id) => {
    await append(db, id);
    await append(db, id, { role: 'assistant' });
  },
  'a message waits outside': (id) => append(db, id, { role: 'assistant', inContext: false }),
  'what waited joins': change(
    `update messages set in_context = true where conversation_id = $1 and in_context = false and $2::int >= 0`,
  ),
  'a message is edited': change(
    `update messages set parts = '[{"type":"text","text":"edited"}]' || parts where id = ${NTH}`,
  ),
  'a message is renamed': change(`update messages set name = 'n' || $2::int where id = ${NTH}`),
  'a message leaves': change(`update messages set in_context = null where id = ${NTH}`),
  'a message is deleted': change(`delete from messages where id = ${NTH}`),
  'a message moves': change(
    `update messages set context_seq = (select min(coalesce(context_seq, seq)) - 1 from messages where conversation_id = $1)
      where id = ${NTH}`,
  ),
  'a message comes in at the front': change(
    `insert into messages (id, seq, conversation_id, agent_id, role, parts) overriding system value
     select 'message-' || gen_random_uuid(), coalesce((select min(least(context_seq, seq)) from messages where conversation_id = $1), 0) - 1,
            id, agent_id, 'system', '[]' from conversations where id = $1 and $2::int >= 0`,
  ),
  'nothing is changed': change(`update messages set parts = parts where id = ${NTH}`),
  'a summary stands for messages': async (id, n) => {
    const runId = await insertRun(db, await agentOf(id), { conversation_id: id });
    const summary = newId('message');
    await inTransaction(db, async (tx) => {
      const { rows } = await tx.query<{ id: string }>(
        `select id from messages where conversation_id = $1 and in_context order by coalesce(context_seq, seq) limit $2::int + 1`,
        [id, n % 5],
      );
      const dropped = rows.map((row) => row.id);
      if (dropped.length === 0) return;
      await tx.query(
        `insert into messages (id, conversation_id, agent_id, role, parts, context_seq)
         select $1, c.id, c.agent_id, 'summary', '[]', (select max(coalesce(context_seq, seq)) from messages where id = any ($3))
           from conversations c where c.id = $2`,
        [summary, id, dropped],
      );
      await tx.query(`update messages set in_context = null, compacted_by = $2 where id = any ($1)`, [
        dropped,
        summary,
      ]);
      await tx.query(
        `insert into compactions (key, run_id, step_id, conversation_id, trigger, summary_id) values ($1, $2, 's', $3, 'manual', $4)`,
        [newId('step'), runId, id, summary],
      );
    });
  },
  'a summary is taken back': async (id) => {
    const { rows } = await db.query<{ run_id: string; summary_id: string }>(
      `select run_id, summary_id from compactions where conversation_id = $1 order by started_at desc limit 1`,
      [id],
    );
    for (const row of rows) {
      await undoCompactions(db, row.run_id);
      await db.query(`delete from messages where id = $1`, [row.summary_id]);
      await db.query(`delete from compactions where run_id = $1`, [row.run_id]);
    }
  },
  'an open call is mended': async (id) => {
    const call = { type: 'tool_call', id: `call_${newId('run')}`, name: 'f', arguments: '{}' };
    await append(db, id, { role: 'assistant', parts: JSON.stringify([call]) });
    await closeDangling(db, findGaps(await readContext(db, id)).dangling);
  },
  'a fork is copied in': async (id) =>
    copyMessages(db, { agentId: await agentOf(id), conversationId: id }, await contextUpTo(db, id, null).catch(() => [])), // prettier-ignore
  'a file is imported': async (id) => {
    if ((await agentOf(id)) !== id) return;
    const rows = [1, 2, 3].map((n) => ({ id: newId('message'), fileId: `f${n}`, role: 'user' as const, parts: [], name: null, otid: null, senderId: null, createdAt: null, inContext: true })); // prettier-ignore
    await inTransaction(db, (tx) => importMessages(tx, id, { rows, order: ['f3', 'f1', 'f2'] }));
  },
  'the thread is reset': async (id) => {
    if ((await agentOf(id)) === id) await inTransaction(db, (tx) => resetThread(tx, id));
  },
  'a change is rolled back': (id) =>
    inTransaction(db, async (tx) => {
      await append(tx, id);
      await tx.query(`delete from messages where id = ${NTH}`, [id, 0]);
      throw new Error('rolled back');
    }).catch((error: unknown) => expect(String(error)).toMatch('rolled back')),
  'the thread is made anew under its name': async (id) => {
    const agentId = await agentOf(id);
    const count = (await readContext(db, id)).length;
    await db.query(`delete from conversations where id = $1`, [id]);
    await insertConversation(db, agentId, id);
    for (let n = 0; n < count; n++) await append(db, id);
  },
};

const agentOf = async (id: string): Promise<string> =>
  (await db.query<{ agent_id: string }>(`select agent_id from conversations where id = $1`, [id])).rows[0]!
    .agent_id;

const cached = async (cache: ContextCache, id: string) => cache.read(id, await readMark(db, id));

it('two workers read what is stored, whatever was done and whoever read when', async () => {
  const names = Object.keys(CHANGES);
  const step = fc.record({
    change: fc.constantFrom(...names),
    n: fc.nat(9),
    readers: fc.constantFrom('none', 'one', 'other', 'both'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), fc.boolean(), async (steps, isOwn) => {
      const agentId = await insertAgent(db);
      const id = isOwn ? agentId : await insertConversation(db, agentId);
      const [one, other] = [createContextCache(db), createContextCache(otherPool)];
      for (let n = 0; n < 4; n++) await append(db, id);

      for (const { change: name, n, readers } of [
        ...steps,
        { change: 'a message joins', n: 0, readers: 'both' },
      ]) {
        await CHANGES[name]!(id, n);
        const stored = await readContext(db, id);
        expect((await readMark(db, id)).length).toBe(stored.length);
        if (readers === 'one' || readers === 'both') expect(await cached(one, id)).toEqual(stored);
        if (readers === 'other' || readers === 'both') expect(await cached(other, id)).toEqual(stored);
      }
    }),
    { numRuns: 60 },
  );
});

describe.each(Object.keys(CHANGES))('after %s', (name) => {
  it('a worker that had read before reads what is stored', async () => {
    const id = await insertAgent(db);
    const cache = createContextCache(db);
    for (let n = 0; n < 4; n++) await append(db, id);
    await append(db, id, { role: 'assistant', inContext: false });
    await append(db, id);
    await cached(cache, id);

    for (const n of [0, 3]) {
      await CHANGES[name]!(id, n);
      expect(await cached(cache, id)).toEqual(await readContext(db, id));
    }
  });
});

it('a message that is stored late, before one that was read, is read', async () => {
  const id = await insertAgent(db);
  const cache = createContextCache(db);
  const [slow, quick] = [await db.connect(), await otherPool.connect()];
  await slow.query('begin');
  await quick.query('begin');
  // It takes its place in the order, and comes to light after the next one.
  const { rows } = await slow.query<{ seq: number }>(
    `select nextval(pg_get_serial_sequence('messages', 'seq')) as seq`,
  );
  await append(quick, id);
  await quick.query('commit');
  expect(await cached(cache, id)).toHaveLength(1);
  await slow.query(
    `insert into messages (id, seq, conversation_id, agent_id, role, parts) overriding system value values ($1, $2, $3, $3, 'user', '[]')`,
    [newId('message'), rows[0]!.seq, id],
  );
  await slow.query('commit');
  slow.release();
  quick.release();

  expect((await cached(cache, id)).map(({ parts }) => parts.length)).toEqual([0, 1]);
});

describe('what is read', () => {
  const counting = () => {
    const read: number[] = [];
    const query = async (...given: unknown[]) => {
      const result = await (db.query as (...all: unknown[]) => Promise<{ rows: unknown[] }>)(...given);
      read.push(result.rows.length);
      return result;
    };
    return { read, on: { query } as unknown as Queryable }; // what the cache uses of it
  };

  it('is nothing where nothing changed, and only the new messages where some joined', async () => {
    const id = await insertAgent(db);
    for (let n = 0; n < 20; n++) await append(db, id);
    const { read, on } = counting();
    const cache = createContextCache(on);

    await cached(cache, id);
    await cached(cache, id);
    await append(db, id);
    const grown = await cached(cache, id);

    expect(read).toEqual([20, 1]);
    expect(grown).toHaveLength(21);
  });

  it('is the same objects as before, so that what was made of them can be used again', async () => {
    const id = await insertAgent(db);
    for (let n = 0; n < 3; n++) await append(db, id);
    const cache = createContextCache(db);

    const before = await cached(cache, id);
    await append(db, id);
    const after = await cached(cache, id);

    expect(before.every((message, at) => message === after[at])).toBe(true);
  });

  it('is kept within the bytes it may take, the least recently used going first', async () => {
    const ids = [await insertAgent(db), await insertAgent(db), await insertAgent(db)] as const;
    for (const id of ids) await append(db, id, { parts: text('x'.repeat(10_000)) });
    const { read, on } = counting();
    const cache = createContextCache(on, 50_000);

    for (const id of ids) await cached(cache, id);
    expect(cache.bytes).toBeLessThanOrEqual(50_000);
    await cached(cache, ids[2]);
    await cached(cache, ids[0]);

    expect(read).toEqual([1, 1, 1, 1]);
  });

  it('is not kept where it is larger than all that may be kept', async () => {
    const id = await insertAgent(db);
    await append(db, id, { parts: text('x'.repeat(10_000)) });
    const cache = createContextCache(db, 1_000);

    expect(await cached(cache, id)).toHaveLength(1);
    expect(cache.bytes).toBe(0);
  });
});
