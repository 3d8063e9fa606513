-- Vectors of messages and tools, beside those of passages. The columns from `embedding` on mean what they mean there.

-- One row per message of a user or an agent that has its vector or waits for it. Messages go, and their vectors with
-- them. Writers: the worker that fills embeddings in; turns never write here.
create table message_embeddings (
  id              text primary key references messages (id) on delete cascade,
  agent_id        text not null,
  embedding       bytea,
  embedding_model text,
  embedding_dim   integer,
  embedding_due   timestamptz,
  embedding_tries integer not null default 0,
  embedding_error text,
  embedded_in     xid8
);
create index message_embeddings_embedded on message_embeddings (agent_id, embedded_in);
create index message_embeddings_due on message_embeddings (embedding_due) where embedding_due is not null;

-- The model that an agent's messages are embedded with, and how far that has come: messages up to `settled` are all in
-- message_embeddings if they belong there. Those up to `seen` will be, once every transaction before `seen_in` has ended;
-- until then one with a lower `seq` may still be committed. Writer: the worker that fills embeddings in.
create table embedded_agents (
  agent_id   text primary key references agents (id) on delete cascade,
  model      text    not null,
  dimensions integer not null,
  settled    bigint  not null default 0,
  seen       bigint  not null default 0,
  seen_in    xid8
);
create index agents_embedding on agents (id) where embedding is not null;

-- What a message says, as search reads it.
create function message_text(parts jsonb) returns text language sql immutable
return (select string_agg(part ->> 'text', E'\n' order by place)
          from jsonb_array_elements(parts) with ordinality as listed (part, place) where part ->> 'type' = 'text');

-- What is searched of a tool. Names are words with underscores.
create function tool_text(name text, description text, tags text[]) returns text language sql immutable
return replace(name, '_', ' ') || E'\n' || name || E'\n' || description || E'\n' ||
       (select coalesce(string_agg(tag, ' '), '') from unnest(tags) tag);

-- One row per tool that has its vector or waits for it. `content_hash`: the sha256 of the text that was embedded.
-- Writer: the worker that fills embeddings in.
create table tool_embeddings (
  id              text primary key references tools (id) on delete cascade,
  content_hash    bytea not null,
  embedding       bytea,
  embedding_model text,
  embedding_dim   integer,
  embedding_due   timestamptz,
  embedding_tries integer not null default 0,
  embedding_error text,
  embedded_in     xid8
);
create index tool_embeddings_due on tool_embeddings (embedding_due) where embedding_due is not null;
