-- What becomes of tool calls whose outcome is unknown, and who may say otherwise.

-- `may_repeat`: a probe found that the call of a `once` tool did not act; the next claim may run it and clears this.
-- `late_result`: what an attempt that was given up brought after the verdict. Writer of both: activities.
-- `resolution` is an operator's verdict on an `unknown` call; with `retry` it stays unknown until the tool run
-- `retry_id` ends. `resolved` is the outcome that replaces the message's, `note_id` the note that tells the model of it
-- before the next turn. Writers: the API, and the activity that runs the retry.
-- `worker`: the process that runs the call; it holds the advisory lock of that number for as long as it lives.
alter table tool_executions
  add column worker      bigint,
  add column may_repeat  boolean not null default false,
  add column late_result jsonb,
  add column late_at     timestamptz,
  add column resolution  text check (resolution in ('done', 'not_done', 'retry')),
  add column retry_id    text,
  add column resolved    jsonb,
  add column resolved_at timestamptz,
  add column note_id     text;
create index tool_executions_claimed on tool_executions (claimed_at, key);
create index tool_executions_unknown on tool_executions (claimed_at, key) where status = 'unknown';
create index tool_executions_noted on tool_executions (run_id) where note_id is not null;

-- What the agent's calls of the tool may do, where it differs from what the tool says of itself. Writer: the API.
alter table agent_tools
  add column effects text check (effects in ('read', 'idempotent', 'once'));

-- A run of a tool that repeats a call of the ledger, on an operator's word.
alter table tool_runs
  add column effect_key text references tool_executions (key) on delete cascade;
create index tool_runs_retries on tool_runs (created_at) where effect_key is not null and outcome is null;
