import { Client, Connection } from '@temporalio/client';
import { turnWorkflowId } from '../domain/turn';
import { quantile } from './load';
import type { BenchStack } from './stack';
import { createAgent, messageFor, takeTurn } from './turns';

/** Median milliseconds from one point of a one-step turn to the next, in order. */
export type Spans = readonly { readonly name: string; readonly ms: number }[];

const TURNS = 40;
const TURNS_PER_AGENT = 20;

const POINTS = [
  'send → run stored',
  'run stored → workflow started',
  'workflow started → callModel scheduled',
  'callModel scheduled → openStep',
  'openStep, prompt and stream, model aside',
  'model (llm_ns)',
  'saveReply begins → answer',
] as const;

/**
 * Where the time of a one-step turn goes, from the timestamps that Postgres and Temporal keep anyway and the caller's
 * own; all on one machine, so on one clock.
 */
export async function measureSpans(stack: BenchStack): Promise<Spans> {
  const client = new Client({ connection: await Connection.connect({ address: stack.temporalAddress }) });
  const samples: (readonly number[])[] = [];
  let agentId = '';
  for (let turn = 0; turn < TURNS; turn++) {
    if (turn % TURNS_PER_AGENT === 0) agentId = await createAgent(stack.api);
    samples.push(await spansOfTurn(stack, client, agentId));
  }
  await client.connection.close();
  return POINTS.map((name, at) => {
    const values = samples.map((sample) => sample[at] ?? Number.NaN).sort((a, b) => a - b);
    return { name, ms: quantile(values, 0.5) };
  });
}

async function spansOfTurn(stack: BenchStack, client: Client, agentId: string): Promise<readonly number[]> {
  const sentAt = now();
  await takeTurn(stack.api, agentId, messageFor({ shape: 'one-step', modelMs: 0 }));
  const answeredAt = now();
  const { rows } = await stack.db.query<Record<'stored' | 'opened' | 'saved' | 'llm', number>>(
    `select extract(epoch from r.created_at)::float8 * 1000 as stored,
            extract(epoch from s.started_at)::float8 * 1000 as opened,
            extract(epoch from s.completed_at)::float8 * 1000 as saved, s.llm_ns / 1e6::float8 as llm
       from runs r join steps s on s.run_id = r.id where r.agent_id = $1 order by r.created_at desc limit 1`,
    [agentId],
  );
  const row = rows[0];
  if (!row) throw new Error(`no run of ${agentId}`);
  const handle = client.workflow.getHandle(turnWorkflowId(agentId));
  await handle.result();
  const { events } = await handle.fetchHistory();
  const timeOf = (
    key: 'workflowExecutionStartedEventAttributes' | 'activityTaskScheduledEventAttributes',
  ) => {
    const time = events?.find((event) => event[key])?.eventTime;
    return Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
  };
  const started = timeOf('workflowExecutionStartedEventAttributes');
  const scheduled = timeOf('activityTaskScheduledEventAttributes');
  return [
    row.stored - sentAt,
    started - row.stored,
    scheduled - started,
    row.opened - scheduled,
    row.saved - row.opened - row.llm,
    row.llm,
    answeredAt - row.saved,
  ];
}

const now = (): number => performance.timeOrigin + performance.now();
