import { attachBlock } from '../../../db/agent-attachments';
import { memoryTransaction } from '../../../db/memory-transaction';
import { inTransaction } from '../../../db/pool';
import type { MemoryChange } from '../../../domain/memory-changes';
import type { MemoryBlock } from '../../../domain/ports';
import { createTestDatabase, type TestDatabase } from '../../support/stack';
import { insertAgentWithMemory } from '../../support/turn-rows';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** Makes the changes as a call in the agent's own thread does; then the transaction ends, or fails. */
const change = (
  agentId: string,
  changes: (blocks: readonly MemoryBlock[]) => readonly MemoryChange[],
  { fails = false } = {},
) =>
  inTransaction(database.pool, async (db) => {
    const memory = memoryTransaction(db, { agentId, conversationId: agentId });
    await memory.applyChanges(changes(await memory.blocks()));
    if (fails) throw new Error('the worker died');
  });
const stateOf = async (agentId: string) => {
  const { rows: blocks } = await database.pool.query(
    `select ab.label, b.label as own, b.value, b.description from agent_blocks ab join blocks b on b.id = ab.block_id
      where ab.agent_id = $1 order by ab.position`,
    [agentId],
  );
  const { rows } = await database.pool.query(`select memory_seen from conversations where id = $1`, [
    agentId,
  ]);
  return { blocks, seen: rows[0].memory_seen as Record<string, string> };
};

it('creates, edits, renames and describes in one transaction, and its thread knows of all of it', async () => {
  const agent = await insertAgentWithMemory(database.pool);

  await change(agent.id, ([block]) => [
    { kind: 'create', label: 'plans', value: 'first', description: 'What is to be done.' },
    { kind: 'rename', block: block!, label: 'person' },
    { kind: 'write', block: { ...block!, label: 'person' }, value: 'end' },
    { kind: 'describe', block: block!, description: 'About you.' },
  ]);

  const { blocks, seen } = await stateOf(agent.id);
  expect(blocks).toEqual([
    { label: 'person', own: 'person', value: 'end', description: 'About you.' },
    { label: 'plans', own: 'plans', value: 'first', description: 'What is to be done.' },
  ]);
  expect(Object.keys(seen).sort()).toEqual(['person', 'plans']);
  expect(seen['person']).toBe(`${agent.blockId}@2`);
});

it('a block that is taken out of a memory stays for those who share it', async () => {
  const agent = await insertAgentWithMemory(database.pool);
  const other = await insertAgentWithMemory(database.pool, { blockId: agent.blockId });

  await change(agent.id, ([block]) => [{ kind: 'detach', block: block! }]);

  expect(await stateOf(agent.id)).toEqual({ blocks: [], seen: {} });
  expect((await stateOf(other.id)).blocks).toHaveLength(1);
});

it('nothing is left of a call that dies before its transaction ends', async () => {
  const agent = await insertAgentWithMemory(database.pool);
  const before = await stateOf(agent.id);

  await expect(
    change(
      agent.id,
      ([block]) => [
        { kind: 'create', label: 'plans', value: 'first', description: null },
        { kind: 'detach', block: block! },
      ],
      { fails: true },
    ),
  ).rejects.toThrow('the worker died');

  expect(await stateOf(agent.id)).toEqual(before);
});

it('a label that another agent of a shared block has is refused before anything is written', async () => {
  const agent = await insertAgentWithMemory(database.pool);
  const other = await insertAgentWithMemory(database.pool, { blockId: agent.blockId });
  const taken = 'block-00000000-0000-4000-8000-000000000001';
  await database.pool.query(`insert into blocks (id, label, value) values ($1, 'person', '')`, [taken]);
  await attachBlock(database.pool, other.id, { id: taken, label: 'person' });
  const before = await stateOf(agent.id);

  await expect(
    change(agent.id, ([block]) => [
      { kind: 'create', label: 'plans', value: 'first', description: null },
      { kind: 'rename', block: block!, label: 'person' },
    ]),
  ).rejects.toThrow(/shared.*another block "person"/);

  expect(await stateOf(agent.id)).toEqual(before);
});
