// Records one history per control-flow shape of a turn into test/replay/histories, from the built product:
//   npm run build && node -r ./test/support/register-typescript.cjs test/replay/record-histories.ts
// Record again only when workflow code changed on purpose and no turn of the version before can be under way any more.
// A replay test that fails says that running turns would break: give the change a patch instead.
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { reembedWorkflowId } from '../../domain/reembed';
import { expiryWorkflowId, turnWorkflowId } from '../../domain/turn';
import { startFakeEmbeddings } from '../support/fake-embeddings';
import type { FakeReply, FakeRequest } from '../support/fake-openai';
import { call, createAgent, runEnd, sendAsync } from '../support/live-api';
import { startLiveServer } from '../support/live-server';
import { startTestServices } from '../support/services';
import { testTemporalAddress } from '../support/stack';
import { until } from '../support/started';
import { isSummary } from '../support/windowed-model';
import { CANARY } from './canary';

const FOLDER = path.join(__dirname, 'histories');
const TASK_QUEUE = 'recorder';
const PARALLEL = { parallel_tool_calls: true };
const rule = (type: string) => ({ tool_rules: [{ type, tool_name: 'memory_insert' }] });
const INSERT: FakeReply = {
  toolCalls: [{ name: 'memory_insert', arguments: { label: 'human', new_string: CANARY } }],
};
const SEARCH = { name: 'conversation_search', arguments: { query: CANARY } };

const FULL = { prompt_tokens: 127_000, completion_tokens: 10, total_tokens: 127_010 };
const OVERFLOW = { status: 400, body: { error: { message: 'too long', code: 'context_length_exceeded' } } };

/** What the model says step by step to a message that names the shape; the last reply is repeated. */
const REPLIES: Record<string, readonly FakeReply[]> = {
  plain: [{ text: CANARY }],
  tools: [INSERT, INSERT, { text: CANARY }],
  'parallel-tools': [{ toolCalls: [SEARCH, SEARCH, SEARCH] }, { text: CANARY }],
  'max-steps': [INSERT],
  'model-failure': [{ error: { status: 401 } }],
  cancelled: [INSERT, { text: CANARY, delayMs: 20_000 }],
  'tool-again': [{ toolCalls: [SEARCH] }, { text: CANARY }],
  'tool-settled': [{ toolCalls: [SEARCH] }, { text: CANARY }],
  queued: [{ text: CANARY, delayMs: 400 }],
  'required-before-exit': [{ text: CANARY }, INSERT, { text: CANARY }],
  approval: [INSERT, { text: CANARY }],
  overflow: [{ text: `${CANARY} `.repeat(400) }],
  'full-end': [{ text: CANARY, usage: FULL }],
  'full-tools': [{ ...INSERT, usage: FULL }, { text: CANARY }],
  slow: [{ text: CANARY, delayMs: 20_000 }],
  'client-tool': [{ toolCalls: [{ name: 'local', arguments: { fact: CANARY } }] }],
};

// Also in a message that comes from an agent, and in the transcript that a sleeper is handed.
const SHAPE = /^(?:user: )?shape (\S+)/m;

function script(request: FakeRequest): FakeReply {
  const { turns } = request;
  if (isSummary(request)) return { text: CANARY };
  const at = turns.findLastIndex(({ role, text }) => role === 'user' && SHAPE.test(text));
  // A summary has taken the message out of sight.
  if (at === -1) return { text: CANARY };
  const shape = SHAPE.exec(turns[at]!.text)![1]!;
  const isCompacted = turns.some(({ text }) => text.startsWith('Earlier messages'));
  if (shape === 'overflow' && turns.length > 1 && !isCompacted) return { error: OVERFLOW };
  const step = turns.slice(at).filter(({ role }) => role === 'assistant').length;
  const replies = REPLIES[shape]!;
  return replies[Math.min(step, replies.length - 1)]!;
}

async function record(): Promise<void> {
  const services = await startTestServices();
  Object.assign(process.env, services.environment);
  const embeddings = await startFakeEmbeddings();
  const server = await startLiveServer({
    script,
    env: { TEMPORAL_TASK_QUEUE: TASK_QUEUE, EMBEDDINGS_BASE_URL: embeddings.url },
  });
  const { database, fake, url } = server;
  const connection = await Connection.connect({ address: testTemporalAddress() });
  const { workflow } = new Client({ connection });

  const save = (shape: string, agentId: string, runId?: string): Promise<string | null> =>
    saveWorkflow(shape, turnWorkflowId(agentId), runId);

  async function saveWorkflow(shape: string, workflowId: string, runId?: string): Promise<string | null> {
    const handle = workflow.getHandle(workflowId, runId);
    await until(async () => (await handle.describe()).status.name !== 'RUNNING');
    const history = await handle.fetchHistory();
    const recorded = anonymous(JSON.parse(historyToJSON(history)));
    const file = path.join(FOLDER, `${shape}.json`);
    // A recorded turn may still be under way somewhere: its history stays.
    if (!fs.existsSync(file)) fs.writeFileSync(file, `${JSON.stringify(recorded, null, 1)}\n`);
    return history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? null;
  }
  const turn = async (shape: string, agentFields = {}, fields = {}): Promise<string> => {
    const agent = await createAgent(url, agentFields);
    await runEnd(url, await sendAsync(url, agent.id, `shape ${shape} ${CANARY}`, fields));
    return agent.id;
  };

  await save('plain', await turn('plain'));
  await save('tools', await turn('tools'));
  await save('parallel-tools', await turn('parallel-tools', PARALLEL));
  await save('max-steps', await turn('max-steps', {}, { max_steps: 2 }));
  await save('model-failure', await turn('model-failure'));
  await save('required-before-exit', await turn('required-before-exit', rule('required_before_exit')));

  const cancelled = await createAgent(url);
  const runId = await sendAsync(url, cancelled.id, `shape cancelled ${CANARY}`);
  await until(() => fake.count > 0 && JSON.stringify(fake.requests.at(-1)?.body).includes('tool_call_id'));
  await call(url, 'POST', `/v1/agents/${cancelled.id}/messages/cancel`, { run_ids: [runId] });
  await save('cancelled', cancelled.id);

  // The result of every attempt but the settling one is refused by the database.
  await database.pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise 'refused by the recorder'; end $$;
    create trigger refuse before update on tool_executions
      for each row when (new.status = 'done' and old.attempt < 5) execute function refuse()`);
  await save('tool-settled', await turn('tool-settled'));
  await database.pool.query('drop trigger refuse on tool_executions');

  // A `once` call that is lost before its claim gets another attempt: the server stands still while it is about to claim.
  await database.pool.query(`
    update tools set effects = 'once' where name = 'conversation_search';
    create sequence claims;
    create function be_slow() returns trigger language plpgsql as $$ begin
      if nextval('claims') = 1 then perform pg_sleep(2); raise 'refused by the recorder'; end if;
      return new;
    end $$;
    create trigger be_slow before insert on tool_executions for each row execute function be_slow()`);
  const again = turn('tool-again');
  const claiming = `select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`;
  await until(async () => (await database.pool.query(claiming)).rowCount === 1);
  process.kill(server.worker.pid, 'SIGSTOP');
  await sleep(3_000);
  process.kill(server.worker.pid, 'SIGCONT');
  await save('tool-again', await again);
  await database.pool.query(`
    drop trigger be_slow on tool_executions;
    update tools set effects = 'read' where name = 'conversation_search'`);

  const queued = await createAgent(url);
  await sendAsync(url, queued.id, `shape queued ${CANARY}`);
  await runEnd(url, await sendAsync(url, queued.id, `shape queued ${CANARY}`));
  const first = await save('queued-second', queued.id);
  await save('queued-first', queued.id, first!);

  const asking = await turn('approval', rule('requires_approval'));
  await save('approval-asked', asking);
  const approval = {
    messages: [{ type: 'approval', approve: true, approval_request_id: await lastMessageId(url, asking) }],
  };
  await call(url, 'POST', `/v1/agents/${asking}/messages`, approval);
  await save('approval-answered', asking);

  const long = await turn('overflow');
  await runEnd(url, await sendAsync(url, long, `shape overflow ${CANARY}`));
  await save('compacted-before', long);
  await save('compacted-end', await turn('full-end'));
  await save('compacted-after-tools', await turn('full-tools'));
  const summarized = await turn('plain');
  await call(url, 'POST', `/v1/agents/${summarized}/summarize`, {});
  await save('compaction', summarized);

  const local = { name: 'local', description: CANARY, parameters: {} };
  await save('client-tool', await turn('client-tool', {}, { client_tools: [local] }));

  const expiring = await createAgent(url);
  await call(url, 'PATCH', `/v1/agents/${expiring.id}/tools/approval/memory_insert`, {
    requires_approval: true,
    approval_expiry: { action: 'deny', after_seconds: 1 },
  });
  await runEnd(url, await sendAsync(url, expiring.id, `shape approval ${CANARY}`));
  await save('expiry-asked', expiring.id);
  const [asked] = await call<{ message_id: string }[]>(url, 'GET', `/v1/approvals?agent_id=${expiring.id}`);
  await workflow.getHandle(expiryWorkflowId(asked!.message_id)).result();
  await saveWorkflow('expiry', expiryWorkflowId(asked!.message_id));
  await save('expiry-answered', expiring.id);

  /** A turn that asks a fresh agent for a turn of the shape `asks`. */
  async function startAsking(asks: string) {
    const [asked, asker] = [
      await createAgent(url),
      await createAgent(url, { include_multi_agent_tools: true }),
    ];
    const args = { message: `shape ${asks} ${CANARY}`, other_agent_id: asked.id };
    const name = 'send_message_to_agent_and_wait_for_reply';
    REPLIES['agents'] = [{ toolCalls: [{ name, arguments: args }] }, { text: CANARY }];
    const isBusy = asks === 'queued';
    if (isBusy) await sendAsync(url, asked.id, `shape queued ${CANARY}`);
    return { asked, asker, runId: await sendAsync(url, asker.id, `shape agents ${CANARY}`) };
  }
  const idle = await startAsking('plain');
  await runEnd(url, idle.runId);
  await save('agents-asking', idle.asker.id);
  await save('agents-asked', idle.asked.id);
  const busy = await startAsking('queued');
  await runEnd(url, busy.runId);
  await save('agents-asking-busy', busy.asker.id);
  const stopped = await startAsking('slow');
  await until(() => JSON.stringify(fake.requests.at(-1)?.body).includes('shape slow'));
  await call(url, 'POST', `/v1/agents/${stopped.asker.id}/messages/cancel`, { run_ids: [stopped.runId] });
  await save('agents-cancelled', stopped.asker.id);
  const archive = await call<{ id: string }>(url, 'POST', '/v1/archives/', { name: CANARY });
  const passages = Array.from({ length: 100 }, (_, n) => ({ text: `${CANARY} ${n}` }));
  await call(url, 'POST', `/v1/archives/${archive.id}/passages/batch`, { passages });
  await call(url, 'PATCH', `/v1/archives/${archive.id}`, { embedding: 'openai/text-embedding-3-small' });
  const { rows } = await database.pool.query<{ id: string }>(`select id from reembeds`);
  await saveWorkflow('reembed', reembedWorkflowId(rows[0]!.id));

  await save('sleeper-woken', await turn('plain', { enable_sleeptime: true }));

  // Any tool may be named as an undo: one without arguments will do.
  const [insert] = await call<{ id: string }[]>(url, 'GET', '/v1/tools/?name=memory_insert');
  await call(url, 'PATCH', `/v1/tools/${insert!.id}`, { undo: 'memory_finish_edits' });
  const undoing = await createAgent(url);
  const undone = await sendAsync(url, undoing.id, `shape tools ${CANARY}`);
  await runEnd(url, undone);
  await call(url, 'POST', `/v1/runs/${undone}/undo`);
  await workflow.getHandle(`undo/${undone}`).result();
  await saveWorkflow('undo', `undo/${undone}`);

  if (fake.problems.length > 0) throw new Error(fake.problems.join('\n'));
  await connection.close();
  await server.stop();
  await embeddings.close();
  await services.stop();
}

async function lastMessageId(url: string, agentId: string): Promise<string> {
  const [last] = await call<{ id: string }[]>(
    url,
    'GET',
    `/v1/agents/${agentId}/messages?order=desc&limit=1`,
  );
  return last!.id;
}

/** The history without the names and paths of the machine that recorded it; a replay needs neither. */
function anonymous(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/^\d+@.*/, 'recorder');
  if (Array.isArray(value)) return value.map(anonymous);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) => (name === 'stackTrace' ? [] : [[name, anonymous(item)]])),
  );
}

void record();
