import { AGENT_CALL_TYPE } from '../domain/agent-calls';
import type { ApprovalExpiry } from '../domain/approval';
import type { SettledEffect } from '../domain/effect';
import { filesToShow, type FoldersOfStep, noteLimit } from '../domain/folder-note';
import type { MemorySeen } from '../domain/prompt';
import type { PromptMarks } from '../domain/prompt-print';
import type { ToolJsonSchema, ToolEffects } from '../domain/tool';
import type { StepKey, StepOutcome } from '../domain/turn';
import type { TurnRequest } from '../domain/turn-request';
import type { ToolRule } from '../domain/tool-rules';
import { AppError } from '../domain/errors';
import { asOneTurn } from '../domain/one-turn';
import { findGaps } from '../domain/whole-transcript';
import { isTerminal, type RunStatus } from '../domain/run';
import { PENDING_APPROVAL_TEXT } from '../domain/run-error';
import { derivedId } from '../new-id';
import { toMemoryBlock } from './memory-transaction';
import { closeAbandonedCalls, closeDangling } from './mend-thread';
import { readMark, type ContextCache, type ContextMark } from './context-cache';
import { foldersOfStep } from './folders/agent-folders';
import { excerptsOf } from './folders/open-files';
import { readCalledBefore, readContext } from './read-context';
import { blocksInThread } from './thread-blocks';
import type { Pool, Queryable } from './pool';
import type { OpenedStep } from '../domain/turn-state';
import { INBOX_COLUMNS, type Inbox } from './inbox';
import type { MultitaskStrategy } from '../domain/inbox';
import { EFFECTS_FOR_AGENT, EXPIRY_FOR_AGENT } from './tools';

interface StepRow {
  readonly attempt: number;
  readonly multitask_strategy: MultitaskStrategy | null;
  readonly has_steered: boolean;
  /** A request for approval may have lost its step or its turn. */
  readonly has_abandoned: boolean;
  readonly settled_effects: readonly SettledEffect[];
  readonly undone_effects: readonly SettledEffect[];
  readonly step_status: string;
  readonly outcome: StepOutcome | null;
  readonly agent_id: string;
  readonly conversation_id: string;
  readonly max_steps: number;
  readonly stream_tokens: boolean;
  readonly request: TurnRequest;
  readonly model: string;
  readonly llm_config: Readonly<Record<string, unknown>>;
  readonly response_format: Readonly<Record<string, unknown>> | null;
  readonly tool_rules: readonly ToolRule[];
  readonly memory_seen: MemorySeen;
  readonly forgets: boolean;
  readonly folders: Pick<FoldersOfStep, 'directories' | 'open'> | null;
  readonly file_chars: number;
  readonly context_epoch: number;
  readonly context_length: number;
  readonly prompt_marks: PromptMarks | null;
  readonly tools: readonly {
    readonly id: string;
    readonly name: string;
    readonly json_schema: ToolJsonSchema;
    readonly effects: ToolEffects;
    readonly parallel: boolean;
    readonly requires_approval: boolean;
    readonly approval_expiry: ApprovalExpiry | null;
    readonly speaks: boolean;
    readonly asks_agents: boolean;
  }[];
  readonly blocks: readonly {
    readonly id: string;
    readonly label: string;
    readonly value: string;
    readonly limit: number;
    readonly read_only: boolean;
    readonly version: number;
  }[];
}

// The agents that speak by a tool: those of the older loops, and those whose memory a sleeper keeps.
const SPEAKS = `t.name = 'send_message' and starts_with(t.tool_type, 'letta_')
                   and (a.enable_sleeptime or a.agent_type in ('memgpt_agent', 'memgpt_v2_agent', 'split_thread_agent',
                                                               'react_agent', 'workflow_agent'))`;
/** Where a conversation has a document of its own, it says all there is to say of the model. */
const RESPONSE_FORMAT = `case when c.llm_config is null then a.response_format
                              else nullif(c.llm_config -> 'response_format', 'null') end`;

// The step is claimed and everything but the transcript is read in one statement. `attempt` counts every claim, so
// it grows even when a restarted workflow counts its own attempts from one again.
const OPEN_STEP = `
  with started as (update runs set status = 'running', started_at = now()
                    where id = $1 and status = 'created' and cancel_requested_at is null returning id),
       run as (select * from runs where id = $1 and status in ('created', 'running') and cancel_requested_at is null
                  and joined_run_id is null
                  and not exists (select from messages m join steps asked on asked.id = m.step_id
                                   where m.conversation_id = runs.conversation_id and not m.in_context
                                     and m.role = 'approval_request' and asked.outcome ? 'pending')),
       step as (insert into steps (id, run_id, index, agent_id, attempt)
                select $3, run.id, $2, run.agent_id, 1 from run
                on conflict (run_id, index) do update set attempt = steps.attempt + 1
                returning attempt, status, outcome)
  select step.attempt, step.status as step_status, step.outcome, ${INBOX_COLUMNS},
         (select coalesce(jsonb_agg(jsonb_build_object(
                   'noteId', e.note_id, 'toolName', e.tool_name, 'toolCallId', e.tool_call_id,
                   'status', e.resolved ->> 'status', 'result', e.resolved ->> 'result') order by e.resolved_at), '[]')
            from tool_executions e join runs r on r.id = e.run_id
                 join messages told on told.id = e.message_id and told.in_context
           where e.note_id is not null and r.conversation_id = run.conversation_id
             and not exists (select from messages note where note.id = e.note_id)) as settled_effects,
         exists (select from messages m left join steps asked on asked.id = m.step_id
                  where m.conversation_id = run.conversation_id and not m.in_context and m.role = 'approval_request'
                    and (asked.id is null
                         or (select count(*) from tool_executions e where e.step_id = asked.id and e.status <> 'claimed')
                            < jsonb_array_length(coalesce(asked.outcome -> 'calls', '[]')))) as has_abandoned,
         (select coalesce(jsonb_agg(jsonb_build_object(
                   'noteId', e.undo_note_id, 'toolName', e.tool_name, 'toolCallId', e.tool_call_id, 'isUndone', true,
                   'status', 'success', 'result', u.outcome ->> 'result') order by e.undone_at), '[]')
            from tool_executions e join runs r on r.id = e.run_id join tool_runs u on u.id = e.undo_id
                 join messages told on told.id = e.message_id and told.in_context
           where e.undo_note_id is not null and r.conversation_id = run.conversation_id
             and not exists (select from messages note where note.id = e.undo_note_id)) as undone_effects,
         run.agent_id, run.conversation_id, run.max_steps, run.stream_tokens, run.request,
         coalesce(c.llm_config ->> 'handle', a.model) as model, coalesce(c.llm_config, a.llm_config) as llm_config,
         ${RESPONSE_FORMAT} as response_format, a.tool_rules, a.message_buffer_autoclear as forgets,
         ${foldersOfStep('a.id')} as folders, a.per_file_view_window_char_limit as file_chars, c.memory_seen, c.context_epoch, c.context_length, c.prompt_marks,
         (select coalesce(jsonb_agg(jsonb_build_object(
                   'id', t.id, 'name', t.name, 'json_schema', t.json_schema, 'effects', ${EFFECTS_FOR_AGENT},
                   'parallel', t.enable_parallel_execution,
                   'requires_approval', coalesce(at.requires_approval, t.default_requires_approval, false),
                   'approval_expiry', ${EXPIRY_FOR_AGENT},
                   'speaks', coalesce(${SPEAKS}, false), 'asks_agents', t.tool_type = '${AGENT_CALL_TYPE}')
                   order by at.position), '[]')
            from agent_tools at join tools t on t.id = at.tool_id where at.agent_id = a.id) as tools,
         (select coalesce(jsonb_agg(jsonb_build_object(
                   'id', b.id, 'label', ab.label, 'value', b.value, 'limit', b."limit",
                   'read_only', b.read_only, 'version', b.version) order by ab.position), '[]')
            from ${blocksInThread('a.id', 'c.id')}) as blocks
    from run cross join step
         join agents a on a.id = run.agent_id join conversations c on c.id = run.conversation_id`;

/** See `TurnStore.openStep`. */
export async function openStep(
  pool: Pool,
  contexts: ContextCache,
  { runId, step }: StepKey,
): Promise<{ readonly stored: StepOutcome } | { readonly opened: OpenedStep; readonly inbox: Inbox }> {
  const stepId = derivedId('step', runId, step);
  const { rows } = await pool.query<StepRow>({
    name: 'open-step-with-folders',
    text: OPEN_STEP,
    values: [runId, step, stepId],
  });
  const row = rows[0];
  if (!row || row.step_status !== 'pending') return { stored: await storedOutcome(pool, runId, step) };
  const context = await readWholeContext(pool, contexts, { runId, row });
  return {
    inbox: { strategy: row.multitask_strategy, hasSteered: row.has_steered },
    opened: await withContext(pool, { key: { runId, step }, stepId, row }, context),
  };
}

/**
 * The step as `openStep` would claim it, inside a transaction that is rolled back: nobody else sees the claim. A damaged thread is
 * read as it is.
 */
export async function previewStep(db: Queryable, { runId, step }: StepKey): Promise<OpenedStep> {
  const stepId = derivedId('step', runId, step);
  const { rows } = await db.query<StepRow>(OPEN_STEP, [runId, step, stepId]);
  const row = rows[0];
  if (!row) throw new AppError('PENDING_APPROVAL', PENDING_APPROVAL_TEXT);
  const context = await readContext(db, row.conversation_id);
  return withContext(db, { key: { runId, step }, stepId, row }, { context });
}

/** The step with what its model reads: of a context that is forgotten the turn alone, and what folders have to tell. */
async function withContext(db: Queryable, claimed: ClaimedStep, context: ReadContext): Promise<OpenedStep> {
  const { row } = claimed;
  const whole = toOpenedStep(claimed, context);
  const opened = row.forgets ? asOneTurn(whole) : whole;
  return row.folders === null ? opened : { ...opened, folders: await readFolders(db, opened, row) };
}

/** What the agent can look into, with the contents of those files that the model has to be shown. */
async function readFolders(
  db: Queryable,
  { context, contextLimit }: OpenedStep,
  { folders, file_chars: charLimit }: StepRow,
): Promise<FoldersOfStep> {
  const { directories = [], open = [] } = folders ?? {};
  const shown = filesToShow(open, context).map(({ id }) => ({ id, firstLine: null, lastLine: null }));
  const excerpts = await excerptsOf(db, shown, noteLimit(shown.length, charLimit, contextLimit));
  return { directories, open, charLimit, excerpts };
}

type ReadContext = Pick<OpenedStep, 'context' | 'calledBefore'>;
interface ClaimedStep {
  readonly key: StepKey;
  readonly stepId: string;
  readonly row: StepRow;
}

function toOpenedStep({ key: { runId, step }, stepId, row }: ClaimedStep, context: ReadContext): OpenedStep {
  return {
    runId,
    step,
    stepId,
    agentId: row.agent_id,
    conversationId: row.conversation_id,
    attempt: row.attempt,
    maxSteps: row.max_steps,
    streamTokens: row.stream_tokens,
    request: row.request,
    model: row.request.overrideModel ?? row.model,
    contextLimit: contextLimitOf(row),
    settings: toSettings(row.llm_config, row.response_format),
    parallelToolCalls: row.llm_config['parallel_tool_calls'] === true,
    toolRules: row.tool_rules,
    tools: row.tools.map((tool) => ({
      id: tool.id,
      name: tool.name,
      jsonSchema: tool.json_schema,
      effects: tool.effects,
      enableParallelExecution: tool.parallel,
      requiresApproval: tool.requires_approval,
      approvalExpiry: tool.approval_expiry,
      ...(tool.speaks && { speaks: true }),
      ...(tool.asks_agents && { asksAgents: true }),
    })),
    blocks: row.blocks.map(toMemoryBlock),
    memorySeen: row.memory_seen,
    settledEffects: [...row.settled_effects, ...row.undone_effects],
    steered: [],
    ...(row.prompt_marks && { promptBefore: row.prompt_marks }),
    ...context,
  };
}

/** What the model reads, mended first where something is missing. A whole thread costs one statement and one look. */
async function readWholeContext(
  pool: Pool,
  contexts: ContextCache,
  { runId, row }: { readonly runId: string; readonly row: StepRow },
): Promise<ReadContext> {
  const { conversation_id: conversationId, has_abandoned: hasAbandoned, tool_rules: rules } = row;
  let mark: ContextMark = { epoch: row.context_epoch, length: row.context_length };
  if (hasAbandoned) {
    await closeAbandonedCalls(pool, conversationId, runId);
    mark = await readMark(pool, conversationId);
  }
  let context = await contexts.read(conversationId, mark);
  const { dangling } = findGaps(context);
  if (dangling.length > 0) {
    await closeDangling(pool, dangling);
    context = await contexts.read(conversationId, await readMark(pool, conversationId));
  }
  // Only rules ask what a long turn has called before its last summary.
  if (rules.length === 0 || !context.some((message) => message.role === 'summary' && message.runId === runId))
    return { context };
  return { context, calledBefore: await readCalledBefore(pool, runId) };
}

/** The outcome of a step that is closed, or why the run cannot take another step. */
async function storedOutcome(db: Queryable, runId: string, step: number): Promise<StepOutcome> {
  const { rows } = await db.query<{
    status: RunStatus;
    cancelled: boolean;
    outcome: StepOutcome | null;
  }>(
    `select r.status, r.cancel_requested_at is not null as cancelled, s.outcome
       from runs r left join steps s on s.run_id = r.id and s.index = $2 where r.id = $1`,
    [runId, step],
  );
  const row = rows[0];
  if (row?.outcome) return row.outcome;
  if (!row) throw new AppError('NOT_FOUND', `run ${runId} does not exist any more; its agent was deleted`);
  if (row.cancelled) throw new AppError('CANCELLED', `run ${runId} was cancelled`);
  if (!isTerminal(row.status)) throw new AppError('PENDING_APPROVAL', PENDING_APPROVAL_TEXT);
  throw new AppError('SUPERSEDED', `run ${runId} is ${row.status}; step ${step} can't be taken`);
}

/** Another model than the agent's has all of its window. */
export function contextLimitOf({
  request,
  llm_config: config,
  model,
}: Pick<StepRow, 'request' | 'llm_config' | 'model'>): number | null {
  const limit = config['context_window'];
  const isOther = request.overrideModel !== null && request.overrideModel !== model;
  return typeof limit === 'number' && !isOther ? limit : null;
}

/** Generation settings out of an agent's document. */
export function toSettings(
  config: Readonly<Record<string, unknown>>,
  format: Readonly<Record<string, unknown>> | null,
) {
  const number = (key: string): number | null => (typeof config[key] === 'number' ? config[key] : null);
  const text = (key: string): string | null => (typeof config[key] === 'string' ? config[key] : null);
  return {
    temperature: number('temperature'),
    maxOutputTokens: number('max_tokens'),
    reasoningEffort: text('effort') ?? text('reasoning_effort'),
    // Letta writes 0 for "not set".
    maxReasoningTokens: config['enable_reasoner'] === false ? null : number('max_reasoning_tokens') || null,
    verbosity: text('verbosity'),
    frequencyPenalty: number('frequency_penalty'),
    strict: config['strict'] === true,
    background: typeof config['background'] === 'boolean' ? config['background'] : undefined,
    responseFormat: format,
  };
}
