-- Contexts that shrink, and conversations with a model and blocks of their own.

-- `in_context` is null for a message that has left the context: the summary `compacted_by` stands for it. False still
-- means "not whole yet". `context_seq` is the place of a message in the context where it is not its place in the
-- transcript: a summary is written last and read first. Writer: activities.
alter table messages
  alter column in_context drop not null,
  add column compacted_by text,
  add column context_seq  bigint;
create index messages_compacted on messages (compacted_by) where compacted_by is not null;

-- One row per compaction. `key` = run/step/phase/round is its idempotency key; `tries` counts the calls of a summarizer,
-- lost ones included; `outcome` is set when it is over. The step's `attempt`
-- fences it. Token counts are those of the summarizer. Writer: activities.
create table compactions (
  key               text primary key,
  run_id            text        not null references runs (id) on delete cascade,
  step_id           text        not null,
  conversation_id   text        not null references conversations (id) on delete cascade,
  trigger           text        not null,
  tries             integer     not null default 0,
  outcome           jsonb,
  summary_id        text,
  messages_before   integer,
  messages_after    integer,
  tokens_before     integer,
  tokens_after      integer,
  context_window    integer,
  prompt_tokens     integer     not null default 0,
  completion_tokens integer     not null default 0,
  last_error        text,
  started_at        timestamptz not null default now(),
  finished_at       timestamptz
);
create index compactions_run on compactions (run_id);
create index compactions_conversation on compactions (conversation_id, started_at);

-- `model` and `model_settings` are what a client asked for; `llm_config` is the document that its turns work from in
-- place of the agent's. `is_hidden` keeps a fork out of lists. Writer: the API.
alter table conversations
  add column model          text,
  add column model_settings jsonb,
  add column llm_config     jsonb,
  add column is_hidden      boolean not null default false;

-- Blocks that a conversation has for itself, in place of the agent's block of the same label. Writer: the API.
create table conversation_blocks (
  conversation_id text not null references conversations (id) on delete cascade,
  label           text not null,
  block_id        text not null references blocks (id) on delete cascade,
  primary key (conversation_id, label)
);
create index conversation_blocks_block on conversation_blocks (block_id);
