import { AppError } from '../domain/errors';
import type { ProviderCategory } from '../domain/provider';
import type { StopReason } from '../domain/run';
import type { StepUsage } from '../domain/usage';
import { createConditions, type Page, selectPage } from './keyset';
import type { Queryable } from './pool';

/** One model call of a run. */
export interface Step extends StepUsage {
  readonly id: string;
  readonly runId: string;
  readonly index: number;
  readonly agentId: string;
  readonly status: 'pending' | 'success' | 'failed' | 'cancelled';
  readonly stopReason: StopReason | null;
  readonly model: string | null;
  readonly modelHandle: string | null;
  readonly modelEndpoint: string | null;
  readonly providerName: string | null;
  /** Null in rows of older servers, which knew only `base`. */
  readonly providerCategory: ProviderCategory | null;
  readonly contextWindowLimit: number | null;
  readonly feedback: Feedback | null;
  readonly tags: readonly string[];
  readonly error: Readonly<Record<string, unknown>> | null;
  /** How much of the prompt the request before it began with; null where there was none. */
  readonly promptPrefixShare: number | null;
  readonly llmNs: number | null;
  readonly toolsNs: number | null;
  /** Attempts whose reply was discarded, and the estimated tokens of what they had shown. */
  readonly lostAttempts: number;
  readonly lostCompletionTokens: number;
  readonly startedAt: Date;
  readonly completedAt: Date | null;
}

export type Feedback = 'positive' | 'negative';

const STEP_COLUMNS = `steps.id, steps.run_id as "runId", steps.index, steps.agent_id as "agentId", steps.status,
  steps.stop_reason as "stopReason", steps.model, steps.model_handle as "modelHandle",
  steps.model_endpoint as "modelEndpoint", steps.provider_name as "providerName",
  steps.provider_category as "providerCategory",
  steps.context_window_limit as "contextWindowLimit", steps.prompt_tokens as "promptTokens",
  steps.completion_tokens as "completionTokens", steps.total_tokens as "totalTokens",
  steps.cached_input_tokens as "cachedInputTokens", steps.cache_write_tokens as "cacheWriteTokens",
  steps.reasoning_tokens as "reasoningTokens", steps.feedback, steps.tags, steps.error, steps.llm_ns as "llmNs",
  steps.prompt_prefix_share as "promptPrefixShare",
  steps.lost_attempts as "lostAttempts", steps.lost_completion_tokens as "lostCompletionTokens",
  steps.tools_ns as "toolsNs", steps.started_at as "startedAt", steps.completed_at as "completedAt"`;

export interface StepFilter {
  readonly runId?: string | undefined;
  readonly agentId?: string | undefined;
  readonly model?: string | undefined;
  readonly startDate?: Date | undefined;
  readonly endDate?: Date | undefined;
  readonly feedback?: string | undefined;
  readonly hasFeedback?: boolean | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** The step, or `NOT_FOUND`. */
export async function getStep(db: Queryable, id: string): Promise<Step> {
  const { rows } = await db.query<Step>(`select ${STEP_COLUMNS} from steps where id = $1`, [id]);
  return rows[0] ?? missingStep(id);
}

function missingStep(id: string): never {
  throw new AppError('NOT_FOUND', `Step not found with id='${id}'`);
}

/**
 * One page of the steps that meet the filter: by number within one run, else by start time. An unknown cursor is
 * `NOT_FOUND`.
 */
export function listSteps(db: Queryable, filter: StepFilter, page: Page): Promise<readonly Step[]> {
  const conditions = createConditions();
  if (filter.runId !== undefined) conditions.add('steps.run_id = ?', filter.runId);
  if (filter.agentId !== undefined) conditions.add('steps.agent_id = ?', filter.agentId);
  if (filter.model !== undefined) conditions.add('steps.model = ?', filter.model);
  if (filter.startDate) conditions.add('steps.started_at >= ?', filter.startDate);
  if (filter.endDate) conditions.add('steps.started_at <= ?', filter.endDate);
  if (filter.feedback !== undefined) conditions.add('steps.feedback = ?', filter.feedback);
  if (filter.hasFeedback !== undefined)
    conditions.add('(steps.feedback is not null) = ?', filter.hasFeedback);
  if (filter.tags) conditions.add('steps.tags && ?', filter.tags);
  const column = filter.runId === undefined ? 'started_at' : 'index';
  const select = `select ${STEP_COLUMNS} from steps`;
  return selectPage<Step>(db, {
    table: 'steps',
    select,
    ...conditions,
    sortBy: (t) => `${t}.${column}`,
    page,
  });
}

/** Stores what a person thought of a step. Tags that are undefined stay as they are. */
export async function updateStepFeedback(
  db: Queryable,
  id: string,
  { feedback, tags }: { readonly feedback: Feedback | null; readonly tags?: readonly string[] | undefined },
): Promise<Step> {
  const { rows } = await db.query<Step>(
    `update steps set feedback = $2, tags = coalesce($3, tags) where id = $1 returning ${STEP_COLUMNS}`,
    [id, feedback, tags ?? null],
  );
  return rows[0] ?? missingStep(id);
}

/** The names of the models that steps asked, by step. */
export async function modelsOfSteps(
  db: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ id: string; model: string }>(
    'select id, model from steps where id = any($1) and model is not null',
    [ids],
  );
  return new Map(rows.map(({ id, model }) => [id, model]));
}
