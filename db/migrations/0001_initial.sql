-- Bodies live here; Temporal's histories carry ids only. Who writes what is said on each table.

-- One row per agent. Writer: the API.
create table agents (
  id                      text primary key,
  name                    text        not null,
  agent_type              text        not null,
  system                  text        not null,
  description             text,
  model                   text        not null,
  embedding               text,
  llm_config              jsonb       not null,
  embedding_config        jsonb,
  model_settings          jsonb       not null,
  compaction_settings     jsonb       not null,
  response_format         jsonb,
  tool_rules              jsonb       not null default '[]',
  tags                    text[]      not null default '{}',
  metadata                jsonb,
  secrets                 jsonb       not null default '{}',
  timezone                text        not null default 'UTC',
  message_buffer_autoclear boolean    not null default false,
  enable_sleeptime        boolean,
  max_files_open          integer     not null default 10,
  per_file_view_window_char_limit integer not null default 25000,
  identity_ids            text[]      not null default '{}',
  project_id              text,
  template_id             text,
  base_template_id        text,
  entity_id               text,
  hidden                  boolean,
  last_run_completion     timestamptz,
  last_run_duration_ms    integer,
  last_stop_reason        text,
  created_at              timestamptz not null default now(),
  updated_at              timestamptz not null default now()
);
create index agents_created on agents (created_at, id);
create index agents_name on agents (name);
create index agents_tags on agents using gin (tags);

-- One row per memory block; agents share blocks. Writers: the API and memory tools. `version` counts the writes of
-- `value`; a write names the version it read, so that no edit is lost.
create table blocks (
  id            text primary key,
  label         text        not null,
  value         text        not null,
  "limit"       integer     not null default 100000,
  description   text,
  read_only     boolean     not null default false,
  metadata      jsonb       not null default '{}',
  tags          text[]      not null default '{}',
  hidden        boolean,
  is_template   boolean     not null default false,
  template_name text,
  template_id   text,
  base_template_id text,
  deployment_id text,
  entity_id     text,
  project_id    text,
  preserve_on_migration boolean not null default false,
  version       bigint      not null default 1,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now()
);
create index blocks_created on blocks (created_at, id);
create index blocks_label on blocks (label);

-- Which blocks an agent sees, in the order they were attached. A label is unique within an agent. Writer: the API.
create table agent_blocks (
  agent_id text not null references agents (id) on delete cascade,
  block_id text not null references blocks (id) on delete cascade,
  label    text not null,
  position bigint generated always as identity,
  primary key (agent_id, block_id),
  constraint unique_label_per_agent unique (agent_id, label)
);
create index agent_blocks_block on agent_blocks (block_id);

-- One row per tool, unique by name. Built-in tools are written at start, the others by the API.
create table tools (
  id                        text primary key,
  name                      text        not null constraint unique_tool_name unique,
  tool_type                 text        not null,
  description               text        not null,
  source_type               text        not null default 'python',
  source_code               text,
  json_schema               jsonb       not null,
  args_json_schema          jsonb,
  tags                      text[]      not null default '{}',
  return_char_limit         integer     not null default 50000,
  pip_requirements          jsonb,
  npm_requirements          jsonb,
  default_requires_approval boolean,
  enable_parallel_execution boolean     not null default false,
  effects                   text        not null default 'once'
                            check (effects in ('read', 'transactional', 'idempotent', 'once')),
  metadata                  jsonb       not null default '{}',
  created_at                timestamptz not null default now(),
  updated_at                timestamptz not null default now()
);
create index tools_created on tools (created_at, id);

-- Which tools an agent may call. `requires_approval` overrides the tool's default; null keeps it. Writer: the API.
create table agent_tools (
  agent_id          text not null references agents (id) on delete cascade,
  tool_id           text not null references tools (id) on delete cascade,
  requires_approval boolean,
  position          bigint generated always as identity,
  primary key (agent_id, tool_id)
);
create index agent_tools_tool on agent_tools (tool_id);

-- One row per message thread. An agent's own thread has the agent's id; further conversations have conv-… ids.
-- `memory_seen` (block label -> block id@version) is what the model already knows of the blocks in this thread.
-- Writers: the API creates, activities update.
create table conversations (
  id                text primary key,
  agent_id          text        not null references agents (id) on delete cascade,
  summary           text,
  system_message_id text,
  memory_seen       jsonb       not null default '{}',
  created_at        timestamptz not null default now(),
  updated_at        timestamptz not null default now()
);
create index conversations_agent on conversations (agent_id, created_at);

-- One row per turn. The API inserts it (`created`) with the request's bodies before the workflow starts; activities
-- write everything after. `queue_seq` orders turns that wait for their conversation. `event_seq` numbers run_events
-- (frame 1 is the opening ping).
create table runs (
  id                text primary key,
  agent_id          text        not null references agents (id) on delete cascade,
  conversation_id   text        not null references conversations (id) on delete cascade,
  status            text        not null default 'created'
                    check (status in ('created', 'running', 'completed', 'failed', 'cancelled')),
  stop_reason       text,
  background        boolean     not null default false,
  stream_tokens     boolean     not null default false,
  max_steps         integer     not null check (max_steps > 0),
  request           jsonb       not null,
  request_config    jsonb,
  metadata          jsonb       not null default '{}',
  error             jsonb,
  callback_url      text,
  callback_sent_at  timestamptz,
  callback_status_code integer,
  callback_error    text,
  cancel_requested_at timestamptz,
  event_seq         bigint      not null default 1,
  queue_seq         bigint      generated always as identity,
  created_at        timestamptz not null default now(),
  started_at        timestamptz,
  first_token_at    timestamptz,
  completed_at      timestamptz
);
create index runs_created on runs (created_at, id);
create index runs_agent on runs (agent_id, created_at, id);
create index runs_callbacks on runs (completed_at) where callback_url is not null and callback_sent_at is null;
create index runs_waiting on runs (conversation_id, queue_seq) where status in ('created', 'running');

-- One row per message. `seq` is the order of the transcript. `in_context` rows are what the model reads; a tool call
-- enters the context in the same transaction as its result, so the context never holds one without the other.
-- Writers: activities; the API writes the first system message and deletes whole threads.
create table messages (
  id              text primary key,
  seq             bigint      generated always as identity,
  conversation_id text        not null references conversations (id) on delete cascade,
  agent_id        text        not null references agents (id) on delete cascade,
  run_id          text,
  step_id         text,
  role            text        not null check (role in ('system', 'user', 'assistant', 'tool', 'approval_request',
                                                       'approval_response', 'summary', 'note')),
  parts           jsonb       not null,
  name            text,
  otid            text,
  sender_id       text,
  in_context      boolean     not null default true,
  created_at      timestamptz not null default now()
);
create index messages_thread on messages (conversation_id, seq);
create index messages_open on messages (conversation_id) where not in_context;
create index messages_context on messages (conversation_id, seq) where in_context;
create index messages_agent on messages (agent_id, seq);
create index messages_run on messages (run_id, seq);
create index messages_step on messages (step_id, seq);

-- One row per model call of a turn. (run_id, index) is the idempotency key of callModel. `attempt` is the attempt that
-- owns the step: an older one that is still alive can write nothing. Writer: activities.
create table steps (
  id                text primary key,
  run_id            text        not null references runs (id) on delete cascade,
  index             integer     not null check (index >= 0),
  agent_id          text        not null,
  attempt           integer     not null,
  status            text        not null default 'pending'
                    check (status in ('pending', 'success', 'failed', 'cancelled')),
  message_id        text,
  outcome           jsonb,
  stop_reason       text,
  model             text,
  model_handle      text,
  model_endpoint    text,
  provider_name     text,
  context_window_limit integer,
  prompt_tokens     integer,
  completion_tokens integer,
  total_tokens      integer,
  cached_input_tokens integer,
  cache_write_tokens integer,
  reasoning_tokens  integer,
  response_id       text,
  feedback          text,
  tags              text[]      not null default '{}',
  error             jsonb,
  llm_ns            bigint,
  tools_ns          bigint,
  started_at        timestamptz not null default now(),
  completed_at      timestamptz,
  unique (run_id, index)
);
create index steps_agent on steps (agent_id, started_at, id);
create index steps_started on steps (started_at, id);

-- The effect ledger: one row per tool call, claimed before the tool runs, closed with its result.
-- key = run/step/tool_call_id. Writer: activities.
create table tool_executions (
  key          text primary key,
  run_id       text        not null references runs (id) on delete cascade,
  step_id      text        not null references steps (id) on delete cascade,
  call_index   integer     not null,
  tool_call_id text        not null,
  tool_name    text        not null,
  tool_id      text,
  effects      text        not null,
  attempt      integer     not null,
  status       text        not null check (status in ('claimed', 'done', 'unknown')),
  message_id   text,
  claimed_at   timestamptz not null default now(),
  finished_at  timestamptz,
  unique (step_id, call_index)
);
create index tool_executions_run on tool_executions (run_id);

-- What watchers of a run see, in order; SSE replays from here. Writer: activities, through the attempt that owns the
-- step. Kept as long as the run.
create table run_events (
  run_id     text        not null references runs (id) on delete cascade,
  seq        bigint      not null,
  event      jsonb       not null,
  created_at timestamptz not null default now(),
  primary key (run_id, seq)
);

-- One row per tool call that a client makes by hand, outside of a turn. The API inserts it with its arguments before
-- the workflow starts; the activity that runs the tool claims it and writes the outcome.
create table tool_runs (
  id          text        primary key,
  agent_id    text        not null references agents (id) on delete cascade,
  tool_name   text        not null,
  args        jsonb       not null,
  claimed_at  timestamptz,
  outcome     jsonb,
  created_at  timestamptz not null default now(),
  finished_at timestamptz
);
