import { AppError } from '../domain/errors';
import type { Message } from '../domain/message';
import type { RunStatus, StopReason } from '../domain/run';
import type { RunError } from '../domain/run-event';
import { type CompactionUsage, type RunUsage, type StepUsage, usageOf } from '../domain/usage';
import { createConditions, type Page, selectPage } from './keyset';
import { listRunOutput } from './messages';
import type { Queryable } from './pool';

/** A turn as it is shown: everything but its request. */
export interface Run {
  readonly id: string;
  readonly agentId: string;
  readonly conversationId: string;
  readonly status: RunStatus;
  readonly stopReason: StopReason | null;
  readonly background: boolean;
  readonly streamTokens: boolean;
  readonly requestConfig: Readonly<Record<string, unknown>> | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly error: RunError | null;
  /** The run whose turn took its messages in, and at which step; null for a turn of its own. */
  readonly joinedRunId: string | null;
  readonly joinedAtStep: number | null;
  readonly callbackUrl: string | null;
  readonly callbackSentAt: Date | null;
  readonly callbackStatusCode: number | null;
  readonly callbackError: string | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly firstTokenAt: Date | null;
  readonly completedAt: Date | null;
}

/** Columns of `runs` that make a `Run`. The aliases are the field names, so a row is a run. */
const RUN_COLUMNS = `runs.id, runs.agent_id as "agentId", runs.conversation_id as "conversationId", runs.status,
  runs.stop_reason as "stopReason", runs.background, runs.stream_tokens as "streamTokens",
  runs.request_config as "requestConfig", runs.metadata, runs.error, runs.callback_url as "callbackUrl",
  runs.callback_sent_at as "callbackSentAt", runs.callback_status_code as "callbackStatusCode",
  runs.callback_error as "callbackError", runs.created_at as "createdAt", runs.started_at as "startedAt",
  runs.first_token_at as "firstTokenAt", runs.completed_at as "completedAt",
  runs.joined_run_id as "joinedRunId", runs.joined_at_step as "joinedAtStep"`;

export interface RunFilter {
  readonly agentIds?: readonly string[] | undefined;
  readonly statuses?: readonly string[] | undefined;
  readonly background?: boolean | undefined;
  readonly stopReason?: string | undefined;
  readonly conversationId?: string | undefined;
}

/** The run, or `NOT_FOUND`. */
export async function getRun(db: Queryable, id: string): Promise<Run> {
  const { rows } = await db.query<Run>(`select ${RUN_COLUMNS} from runs where id = $1`, [id]);
  return rows[0] ?? missingRun(id);
}

/** Whether nothing more will happen to a run: it ended, or it is gone with its agent. */
export async function isRunOver(db: Queryable, id: string): Promise<boolean> {
  const { rows } = await db.query<{ is_over: boolean }>(
    `select status not in ('created', 'running') as is_over from runs where id = $1`,
    [id],
  );
  return rows[0]?.is_over ?? true;
}

/** `NOT_FOUND` unless the run exists. */
export async function requireRun(db: Queryable, id: string): Promise<void> {
  const { rowCount } = await db.query(`select from runs where id = $1`, [id]);
  if (rowCount === 0) missingRun(id);
}

function missingRun(id: string): never {
  throw new AppError('NOT_FOUND', `Run not found with id='${id}'`);
}

/** One page of the runs that meet the filter, by creation time. An unknown cursor is `NOT_FOUND`. */
export function listRuns(db: Queryable, filter: RunFilter, page: Page): Promise<readonly Run[]> {
  const conditions = createConditions();
  if (filter.agentIds) conditions.add('runs.agent_id = any(?)', filter.agentIds);
  if (filter.statuses) conditions.add('runs.status = any(?)', filter.statuses);
  if (filter.background !== undefined) conditions.add('runs.background = ?', filter.background);
  if (filter.stopReason !== undefined) conditions.add('runs.stop_reason = ?', filter.stopReason);
  if (filter.conversationId !== undefined) conditions.add('runs.conversation_id = ?', filter.conversationId);
  const select = `select ${RUN_COLUMNS} from runs`;
  return selectPage<Run>(db, {
    table: 'runs',
    select,
    ...conditions,
    sortBy: (t) => `${t}.created_at`,
    page,
  });
}

/** Deletes a run that is over, with its steps and events; its messages stay. `CONFLICT` while it is under way. */
export async function deleteRun(db: Queryable, id: string): Promise<void> {
  const { rowCount } = await db.query(
    `delete from runs where id = $1 and status not in ('created', 'running')`,
    [id],
  );
  if (rowCount !== 0) return;
  const { status } = await getRun(db, id);
  throw new AppError(
    'CONFLICT',
    `CONFLICT: Run ${id} is ${status} and can't be deleted; cancel it first, or wait until it ends.`,
  );
}

/** Facts about a run that Letta calls its metrics. */
export interface RunMetrics {
  readonly stepCount: number;
  /** Ids of the tools it called, each once. */
  readonly toolIds: readonly string[];
}

/** The metrics of a run, summed over its steps as they are stored at this moment. */
export async function getRunMetrics(db: Queryable, id: string): Promise<RunMetrics> {
  const { rows } = await db.query<RunMetrics>(
    `select (select count(*)::int from steps where run_id = $1) as "stepCount",
            array(select tool_id from tool_executions where run_id = $1 and tool_id is not null
                   group by tool_id order by min(claimed_at)) as "toolIds"`,
    [id],
  );
  return rows[0] ?? { stepCount: 0, toolIds: [] };
}

/** A run with its token counts, in one statement. `NOT_FOUND` if there is no such run. */
export async function getRunWithUsage(db: Queryable, id: string): Promise<{ run: Run; usage: RunUsage }> {
  const { rows } = await db.query<Run & CompactionUsage & { stepUsage: readonly StepUsage[] }>({
    name: 'get-run-with-all-usage',
    text: `select ${RUN_COLUMNS},
            (select coalesce(jsonb_agg(jsonb_build_object(
                      'promptTokens', prompt_tokens, 'completionTokens', completion_tokens,
                      'totalTokens', total_tokens, 'cachedInputTokens', cached_input_tokens,
                      'cacheWriteTokens', cache_write_tokens, 'reasoningTokens', reasoning_tokens) order by index), '[]')
               from steps where steps.run_id = runs.id) as "stepUsage",
            (select coalesce(sum(prompt_tokens), 0) from compactions where run_id = runs.id) as "promptTokens",
            (select coalesce(sum(completion_tokens), 0) from compactions where run_id = runs.id) as "completionTokens"
       from runs where id = $1`,
    values: [id],
  });
  const { stepUsage, promptTokens, completionTokens, ...run } = rows[0] ?? missingRun(id);
  return { run, usage: { ...usageOf(stepUsage, { promptTokens, completionTokens }), ...wokenBy(run) } };
}

/** The background runs that the end of a run has begun. */
function wokenBy({ metadata }: Run): Pick<RunUsage, 'runIds'> {
  const ids = metadata['sleeptime_run_ids'];
  return Array.isArray(ids) ? { runIds: ids.map(String) } : {};
}

/** What a blocking request answers with: the run, what it said and did in order, and what that cost. */
export interface RunResult {
  readonly run: Run;
  readonly messages: readonly Message[];
  readonly usage: RunUsage;
}

/**
 * The result of a run, or `NOT_FOUND`. It is complete once the run is over. A run that joined another one's turn has what
 * that turn said from then on; what it cost is counted there.
 */
export async function loadRunResult(db: Queryable, runId: string): Promise<RunResult> {
  const [{ run, usage }, own] = await Promise.all([getRunWithUsage(db, runId), listRunOutput(db, runId, 0)]);
  const { joinedRunId, joinedAtStep } = run;
  if (joinedRunId === null) return { run, usage, messages: own };
  return { run, usage, messages: await listRunOutput(db, joinedRunId, joinedAtStep ?? 0) };
}
