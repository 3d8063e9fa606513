import type { Pool } from '../db/pool';
import type { ToolEffects } from '../domain/tool';
import type { Effect } from './coordinator';
import { factOf, type LoadedAgent, type Turn } from './load';
import { isKitTool } from './tools';

/** What became of one tool call. `not_run`: its process died before it could act, and the model was told so. */
export type Outcome = 'exact' | 'not_run' | 'unknown' | 'duplicate' | 'lost';
export const OUTCOMES: readonly Outcome[] = ['exact', 'not_run', 'unknown', 'duplicate', 'lost'];

/** A tool call as the ledger has it, judged by what the target counted. */
export interface JudgedCall {
  readonly key: string;
  readonly runId: string;
  readonly stepId: string;
  readonly step: number;
  readonly label: string;
  readonly tool: string;
  readonly effects: ToolEffects;
  readonly outcome: Outcome;
  readonly repeats: number;
}
export interface Verdict {
  readonly calls: readonly JudgedCall[];
  readonly turns: number;
  readonly lostTurns: readonly string[];
  readonly brokenStreams: readonly string[];
  readonly invalidTranscripts: readonly string[];
  /** What the ledger or the model was told and the target contradicts. */
  readonly untruths: readonly string[];
  readonly reconnects: number;
}

interface Row {
  readonly key: string;
  readonly run_id: string;
  readonly step_id: string;
  readonly step: number;
  readonly tool_name: string;
  readonly declared: ToolEffects;
  readonly status: string;
  readonly args: string;
  readonly result_status: string | null;
}
interface Judged {
  readonly outcome: Outcome;
  readonly untruth?: string;
}

/** Holds what Postgres says against what the target counted and what the clients saw. */
export async function judge(input: {
  readonly pool: Pool;
  readonly agents: readonly LoadedAgent[];
  readonly turns: readonly Turn[];
  readonly effects: readonly Effect[];
}): Promise<Verdict> {
  const { pool, agents, turns, effects } = input;
  const ids = agents.map(({ id }) => id);
  const untruths: string[] = [];
  const calls = await judgeCalls(pool, ids, effects, untruths);
  const lost = await pool.query<{ id: string; status: string; stop_reason: string | null }>(
    `select id, status, stop_reason from runs where agent_id = any ($1) and status <> 'completed'`,
    [ids],
  );
  return {
    calls,
    turns: turns.length,
    lostTurns: lost.rows.map(
      ({ id, status, stop_reason: why }) => `${id}: ${status} (${why ?? 'no reason'})`,
    ),
    brokenStreams: turns.flatMap(({ runId, difference }) => (difference ? [`${runId}: ${difference}`] : [])),
    invalidTranscripts: await invalidTranscripts(pool, agents, turns),
    untruths,
    reconnects: turns.reduce((sum, { reconnects }) => sum + reconnects, 0),
  };
}

async function judgeCalls(
  pool: Pool,
  agentIds: readonly string[],
  effects: readonly Effect[],
  untruths: string[],
): Promise<readonly JudgedCall[]> {
  const { rows } = await pool.query<Row>(
    `select e.key, e.run_id, e.step_id, s.index as step, e.tool_name, t.effects as declared, e.status,
            call ->> 'arguments' as args, answer.parts -> 0 ->> 'status' as result_status
       from tool_executions e join steps s on s.id = e.step_id join messages m on m.id = s.message_id
            join tools t on t.name = e.tool_name
            join lateral (select part as call from jsonb_array_elements(m.parts) part
                           where part ->> 'type' = 'tool_call' and part ->> 'id' = e.tool_call_id) calls on true
            left join messages answer on answer.id = e.message_id
      where s.agent_id = any ($1)`,
    [agentIds],
  );
  const seen = await effectsByCall(pool, agentIds, effects);
  return rows.map((row) => {
    const args = JSON.parse(row.args) as { label?: string; new_string?: string }; // what the script said
    const isMemory = row.declared === 'transactional';
    const label = isMemory
      ? (args.new_string ?? '').slice(factOf('').length)
      : isKitTool(row.tool_name)
        ? (args.label ?? '')
        : row.key;
    const keys = seen.get(nameOfCall(isMemory ? MEMORY : row.tool_name, label)) ?? [];
    const judged = outcomeOf(row, keys);
    if (judged.untruth !== undefined) untruths.push(`${row.key} (${row.tool_name}): ${judged.untruth}`);
    const { key, run_id: runId, step_id: stepId, step, tool_name: tool, declared } = row;
    const repeats = Math.max(0, keys.length - 1);
    return { key, runId, stepId, step, label, tool, effects: declared, outcome: judged.outcome, repeats };
  });
}

const MEMORY = 'memory';
const nameOfCall = (tool: string, label: string): string => `${tool} ${label}`;

/** The keys under which each call acted: on the counting target, or on a block of memory. */
async function effectsByCall(
  pool: Pool,
  agentIds: readonly string[],
  effects: readonly Effect[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const blocks = await pool.query<{ value: string }>(
    `select b.value from agent_blocks ab join blocks b on b.id = ab.block_id where ab.agent_id = any ($1)`,
    [agentIds],
  );
  const facts = blocks.rows
    .flatMap(({ value }) => value.split('\n'))
    .map((fact) => fact.slice(factOf('').length));
  const seen = new Map<string, string[]>();
  const add = (name: string, key: string) => void seen.set(name, [...(seen.get(name) ?? []), key]);
  for (const { tool, label, key } of effects) add(nameOfCall(tool, label), key);
  for (const label of facts) add(nameOfCall(MEMORY, label), label);
  return seen;
}

/** The rules of each class, written down without a look at how the server keeps them. */
export function outcomeOf(
  row: Pick<Row, 'tool_name' | 'declared' | 'status' | 'result_status'>,
  keys: readonly string[],
): Judged {
  const { tool_name: tool, declared, status, result_status: told } = row;
  const isMany = declared === 'idempotent' ? new Set(keys).size > 1 : declared !== 'read' && keys.length > 1;
  if (isMany) return { outcome: 'duplicate' };
  if (status === 'unknown') {
    const untruth = declared === 'once' ? undefined : `unknown, though a ${declared} call never is`;
    return { outcome: 'unknown', ...(untruth !== undefined && { untruth }) };
  }
  if (status !== 'done') return { outcome: 'lost', untruth: `the ledger left it ${status}` };
  if (told === 'success') return { outcome: keys.length > 0 ? 'exact' : 'lost' };
  if (keys.length === 0) return { outcome: 'not_run' };
  // A tool of a user may fail after it began; the kit's own never do.
  const isFalse = isKitTool(tool) || declared === 'transactional';
  return {
    outcome: 'exact',
    ...(isFalse && { untruth: 'it acted, and the model was told that it had not' }),
  };
}

interface MessageRow {
  readonly role: string;
  readonly parts: readonly { readonly type: string; readonly id?: string; readonly toolCallId?: string; readonly text?: string }[]; // prettier-ignore
  readonly in_context: boolean;
}

async function invalidTranscripts(
  pool: Pool,
  agents: readonly LoadedAgent[],
  turns: readonly Turn[],
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const { id } of agents) {
    const { rows } = await pool.query<MessageRow>(
      `select role, parts, in_context from messages where agent_id = $1 order by seq`,
      [id],
    );
    const labels = new Set(turns.filter((turn) => turn.agentId === id).map(({ label }) => label));
    problems.push(...transcriptProblems(rows, labels).map((problem) => `${id}: ${problem}`));
  }
  return problems;
}

/** Every call has one result right after it, everything is in the context, each message came and was answered once. */
export function transcriptProblems(
  messages: readonly MessageRow[],
  labels: ReadonlySet<string>,
): readonly string[] {
  const problems: string[] = [];
  let open: string[] = [];
  for (const { role, parts, in_context: isInContext } of messages) {
    if (!isInContext) problems.push(`a message (${role}) is not in the context`);
    const results = parts.flatMap((part) => (part.type === 'tool_return' ? [part.toolCallId ?? ''] : []));
    if (role === 'tool') {
      if (results.some((id) => !open.includes(id))) problems.push('a result has no call before it');
      open = open.filter((id) => !results.includes(id));
      continue;
    }
    if (role === 'approval_response') continue;
    if (open.length > 0) problems.push('a call has no result after it');
    open = parts.flatMap((part) => (part.type === 'tool_call' ? [part.id ?? ''] : []));
  }
  if (open.length > 0) problems.push('the last call has no result');
  const said = (role: string, text: string) =>
    messages.filter((each) => each.role === role && JSON.stringify(each.parts).includes(text)).length;
  for (const label of labels) {
    const asked = said('user', `turn ${label} `);
    const answered = said('assistant', `Done with ${label}.`);
    if (asked !== 1) problems.push(`message ${label} is there ${asked} times`);
    if (answered !== 1) problems.push(`message ${label} was answered ${answered} times`);
  }
  return problems;
}
