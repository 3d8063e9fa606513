import {
  readCompactionSettings,
  type CompactDone,
  type CompactKey,
  type CompactionTrigger,
} from '../domain/compaction';
import type { OpenedCompaction } from '../domain/compaction-store';
import { AppError } from '../domain/errors';
import { toToolSpecs } from '../domain/prompt';
import type { ToolJsonSchema } from '../domain/tool';
import type { TurnRequest } from '../domain/turn-request';
import { derivedId } from '../new-id';
import { contextLimitOf, toSettings } from './open-step';
import { inTransaction, type Pool, type Queryable } from './pool';
import { readContext } from './read-context';
import { appendEvents } from './run-events';

type JsonDocument = Readonly<Record<string, unknown>>;

interface ClaimRow {
  readonly id: string;
  readonly attempt: number;
}
interface FactsRow {
  readonly outcome: CompactDone | null;
  readonly tries: number;
  readonly is_new: boolean;
  readonly agent_id: string;
  readonly conversation_id: string;
  readonly request: TurnRequest;
  readonly compaction_settings: JsonDocument;
  readonly model: string;
  readonly llm_config: JsonDocument;
  readonly tools: readonly ToolJsonSchema[];
  readonly last_total: number | null;
}

/** Names a compaction in the database: a repeat of the activity finds the same row. */
export const compactionKey = ({ runId, step, trigger, round }: CompactKey): string =>
  `${runId}/${step}/${trigger === 'post_step_context_check' ? 'after' : 'before'}/${round}`;

/** See `CompactionStore.open`. */
export function openCompaction(
  pool: Pool,
  at: CompactKey,
): Promise<{ readonly done: CompactDone } | { readonly opened: OpenedCompaction }> {
  return inTransaction(pool, async (db) => {
    const key = compactionKey(at);
    const done = await findOutcome(db, key);
    if (done) return { done };
    const step = await claimStep(db, at);
    const row = await readFacts(db, key, { ...at, stepId: step.id });
    if (row.outcome) return { done: row.outcome };
    if (row.is_new && row.request.includeCompaction)
      await tellBegun(db, key, { ...at, row, stepId: step.id });
    const { request, conversation_id: conversationId, llm_config: config } = row;
    const opened: OpenedCompaction = {
      key,
      runId: at.runId,
      stepId: step.id,
      attempt: step.attempt,
      agentId: row.agent_id,
      conversationId,
      trigger: at.trigger,
      round: at.round,
      tries: row.tries,
      settings: readCompactionSettings({ ...row.compaction_settings, ...request.compact?.settings }),
      model: request.overrideModel ?? row.model,
      contextLimit: contextLimitOf(row),
      modelSettings: toSettings(config, null),
      tools: toToolSpecs(row.tools.map((jsonSchema) => ({ jsonSchema }))),
      context: await readContext(db, conversationId),
      isTold: request.includeCompaction === true,
    };
    return { opened };
  });
}

async function findOutcome(db: Queryable, key: string): Promise<CompactDone | null> {
  const { rows } = await db.query<{ outcome: CompactDone | null }>(
    `select outcome from compactions where key = $1`,
    [key],
  );
  return rows[0]?.outcome ?? null;
}

/**
 * Takes the step from whoever held it. A run that was sent to compact has no step yet. A response that was begun is
 * forgotten: it belongs to the context as it was.
 */
async function claimStep(db: Queryable, { runId, step, trigger }: CompactKey): Promise<ClaimRow> {
  const id = derivedId('step', runId, step);
  if (trigger === 'manual') {
    await db.query(
      `with started as (update runs set status = 'running', started_at = now()
                         where id = $1 and status = 'created' and cancel_requested_at is null returning id, agent_id)
       insert into steps (id, run_id, index, agent_id, attempt) select $2, id, $3, agent_id, 0 from started
       on conflict (run_id, index) do nothing`,
      [runId, id, step],
    );
  }
  const { rows } = await db.query<ClaimRow>(
    `update steps set attempt = attempt + 1, begun_response = null, begun_attempt = null
       from runs r
      where steps.id = $1 and r.id = $2 and r.status = 'running' and r.cancel_requested_at is null
        and steps.status in ('pending', 'success')
     returning steps.id, steps.attempt`,
    [id, runId],
  );
  if (rows[0]) return rows[0];
  const run = await db.query<{ cancelled: boolean }>(
    `select cancel_requested_at is not null as cancelled from runs where id = $1`,
    [runId],
  );
  if (run.rows[0]?.cancelled) throw new AppError('CANCELLED', `run ${runId} was cancelled`);
  throw new AppError('SUPERSEDED', `run ${runId} is over or gone; step ${step} can't be compacted for`);
}

async function readFacts(
  db: Queryable,
  key: string,
  { runId, stepId, trigger }: { runId: string; stepId: string; trigger: CompactionTrigger },
): Promise<FactsRow> {
  const { rows } = await db.query<FactsRow>(
    `with stored as (insert into compactions (key, run_id, step_id, conversation_id, trigger)
                     select $1, id, $3, conversation_id, $4 from runs where id = $2
                     on conflict (key) do nothing returning key)
     select before.outcome, coalesce(before.tries, 0) as tries, before.key is null as is_new,
            r.agent_id, r.conversation_id, r.request, a.compaction_settings,
            coalesce(c.llm_config ->> 'handle', a.model) as model, coalesce(c.llm_config, a.llm_config) as llm_config,
            (select coalesce(jsonb_agg(t.json_schema order by at.position), '[]')
               from agent_tools at join tools t on t.id = at.tool_id where at.agent_id = a.id) as tools,
            (select total_tokens from steps where id = $3) as last_total
       from runs r join agents a on a.id = r.agent_id join conversations c on c.id = r.conversation_id
            left join compactions before on before.key = $1
      where r.id = $2 and (select count(*) from stored) >= 0`,
    [key, runId, stepId, trigger],
  );
  if (!rows[0])
    throw new AppError('NOT_FOUND', `run ${runId} does not exist any more; its agent was deleted`);
  return rows[0];
}

/** Watchers hear once that the context is about to change, whichever attempt gets to change it. */
async function tellBegun(
  db: Queryable,
  key: string,
  { runId, stepId, trigger, row }: CompactKey & { readonly stepId: string; readonly row: FactsRow },
): Promise<void> {
  const limit = row.llm_config['context_window'];
  await appendEvents(db, runId, [
    {
      type: 'compaction',
      messageId: derivedId('message', key, 'event'),
      ofStep: stepId,
      trigger,
      contextTokens: row.last_total,
      contextWindow: typeof limit === 'number' ? limit : null,
    },
  ]);
}
