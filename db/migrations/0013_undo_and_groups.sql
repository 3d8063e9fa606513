-- Calls that can be taken back. `tools.undo` is the name of the tool that undoes a call of this one. Writer: the API.
alter table tools add column undo text;

-- `undo_id` is the run of the undo tool that undoes the call, or tried to; with `undone_at` it has. `undo_note_id` is the
-- note that tells the model before the next turn. `kept_*` is what the call was and came to, where a rollback has taken
-- its messages. Writer: activities; of `kept_*` the API.
alter table tool_executions
  add column undo_id        text,
  add column undone_at      timestamptz,
  add column undo_note_id   text,
  add column kept_arguments text,
  add column kept_result    jsonb;
create index tool_executions_undone on tool_executions (run_id) where undo_note_id is not null;

-- A run of a tool that undoes a call of the ledger. `is_unknown`: its process was lost, and it may have acted.
alter table tool_runs
  add column undo_key   text references tool_executions (key) on delete cascade,
  add column is_unknown boolean not null default false;
create index tool_runs_undos on tool_runs (undo_key) where undo_key is not null;

-- Somebody asked to undo the run, and not all is done. Writers: the API sets it, activities clear it.
alter table runs add column undo_requested_at timestamptz;
create index runs_undoing on runs (undo_requested_at) where undo_requested_at is not null;

-- An agent that is woken now and then to rework the memory it shares with another one. Grain: one managing agent.
-- `turns_counter` counts the turns of the manager, from -1; `processed_seq` is the last message that was handed over.
-- Writers: the API creates and deletes, activities count.
create table groups (
  id                        text primary key,
  manager_agent_id          text        not null unique references agents (id) on delete cascade,
  sleeper_agent_id          text        not null references agents (id) on delete cascade,
  frequency                 integer     not null default 5 check (frequency > 0),
  turns_counter             integer     not null default -1,
  last_processed_message_id text,
  processed_seq             bigint      not null default 0,
  created_at                timestamptz not null default now()
);
create index groups_sleeper on groups (sleeper_agent_id);
