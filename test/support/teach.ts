import { createTurnStore } from '../../db/turns';
import type { MemoryTransaction } from '../../domain/ports';
import { newId } from '../../new-id';
import type { TestApi } from './test-api';
import { insertWaitingRun, opened, openedTool, replyTo, succeeded } from './turn-rows';

/** What a tool of a turn does to memory. */
export type Lesson = (memory: MemoryTransaction) => Promise<void>;

/** Adds a line to the agent's first block. */
export const addLine =
  (line: string): Lesson =>
  async (memory) => {
    const [block] = await memory.blocks();
    await memory.writeBlock(block!, `${block!.value}\n${line}`);
  };

/** Stores a passage. */
export const addPassage =
  (text: string, tags: readonly string[] = []): Lesson =>
  (memory) =>
    memory.insertPassage({ id: newId('passage'), text, tags, metadata: {}, createdAt: null });

/** A turn whose message makes the agent do these things to its memory, a step each. */
export async function teach(api: TestApi, agentId: string, ...lessons: readonly Lesson[]) {
  const turns = createTurnStore(api.db);
  const runId = await insertWaitingRun(api.db, agentId, 'learn this');
  for (const [index, lesson] of lessons.entries()) {
    const step = await opened(turns, runId, index);
    await turns.saveReply(step, replyTo(step, { calls: ['transactional'] }));
    const tool = await openedTool(turns, runId, 0, index);
    await turns.runTransactionalTool(tool, async (memory) => {
      await lesson(memory);
      return succeeded('written');
    });
  }
  const last = await opened(turns, runId, lessons.length);
  await turns.saveReply(last, replyTo(last));
  const path = `/v1/agents/${agentId}/messages?order=asc&limit=100`;
  const messages = (await api.call('GET', path)).body as Readonly<Record<string, unknown>>[];
  const own = messages.filter((message) => message['run_id'] === runId);
  const idsOf = (type: string) =>
    own.flatMap((message) => (message['message_type'] === type ? [String(message['id'])] : []));
  return { runId, messageId: idsOf('user_message')[0] ?? '', resultIds: idsOf('tool_return_message') };
}
