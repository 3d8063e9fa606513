-- Messages from one agent to another, sent by a tool call. Grain: one run of an agent that was written to. `run_id` is a
-- function of the call and of the agent, so a call posts each message once. The call is that of the step `step_id`, made
-- in the run `caller_run_id`; while `waits`, its turn goes on when the run is over. `depth` counts the calls between this
-- run and the person who started it all. Writer: activities.
create table agent_calls (
  run_id                 text    primary key,
  agent_id               text    not null,
  agent_name             text    not null,
  caller_run_id          text    not null references runs (id) on delete cascade,
  caller_conversation_id text    not null,
  step_id                text    not null references steps (id) on delete cascade,
  call_index             integer not null,
  position               integer not null,
  waits                  boolean not null,
  depth                  integer not null,
  -- Why the message could not be posted; then there is no run.
  refusal                text,
  created_at             timestamptz not null default now()
);
create index agent_calls_call on agent_calls (step_id, call_index);
create index agent_calls_waiting on agent_calls (caller_conversation_id) where waits;
create index agent_calls_caller on agent_calls (caller_run_id);
