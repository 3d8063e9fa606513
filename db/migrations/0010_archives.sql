-- Archives of passages (archival memory), their embeddings, and full-text search over passages and messages.

-- What full-text search knows of a text: its words as they are ('simple') and English stems, together. Nearly all texts
-- are indexed whole; of one with more distinct words than a tsvector holds, the beginning is.
create function search_words(content text) returns tsvector language plpgsql immutable as $$
begin
  if length(content) <= 50000 then
    return to_tsvector('pg_catalog.simple', content) || to_tsvector('pg_catalog.english', content);
  end if;
  begin
    return to_tsvector('pg_catalog.simple', left(content, 1000000)) || to_tsvector('pg_catalog.english', left(content, 1000000));
  exception when program_limit_exceeded then
    return to_tsvector('pg_catalog.simple', left(content, 50000)) || to_tsvector('pg_catalog.english', left(content, 50000));
  end;
end
$$;

-- A query that any of the words meets; operators are plain text. Words that are everywhere in English count only when
-- there are no others. Null when there is no word at all (signs, emoji).
create function search_query(content text) returns tsquery language sql immutable
return (
  with words as (
    select lexeme, coalesce(ts_lexize('pg_catalog.english_stem', lexeme) = '{}', false) as is_everywhere
      from unnest(to_tsvector('pg_catalog.simple', content))
  ), asked as (
    select lexeme from words where not is_everywhere or not exists (select from words where not is_everywhere)
    union
    select lexeme from unnest(to_tsvector('pg_catalog.english', content))
  )
  select string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery from asked
);

-- One row per archive; agents share archives. `embedding` is the handle of the model whose vectors its passages have;
-- null: full-text search alone. Writers: the API, and the first insert of an agent without an archive.
create table archives (
  id               text primary key,
  name             text        not null,
  description      text,
  embedding        text,
  embedding_config jsonb,
  metadata         jsonb,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now()
);
create index archives_created on archives (created_at, id);

-- Which archive an agent writes to and searches; one at most, as in Letta. `is_owner`: it was made for the agent.
create table agent_archives (
  agent_id   text        not null references agents (id) on delete cascade constraint unique_agent_archive primary key,
  archive_id text        not null references archives (id) on delete cascade,
  is_owner   boolean     not null default false,
  created_at timestamptz not null default now()
);
create index agent_archives_archive on agent_archives (archive_id);

-- One row per passage. `embedding` holds float32 numbers, little-endian, of the model `embedding_model`; vectors of a
-- model that the archive has no more are not searched. `embedding_due`: when a worker computes what is missing; null
-- when nothing is. `embedded_in`: the transaction that wrote the vector, by which caches find what they lack.
-- Writers: the API, archival_memory_insert, and the worker that fills embeddings in.
create table passages (
  id              text primary key,
  archive_id      text        not null references archives (id) on delete cascade,
  text            text        not null,
  tags            text[]      not null default '{}',
  metadata        jsonb       not null default '{}',
  embedding       bytea,
  embedding_model text,
  embedding_dim   integer,
  embedding_due   timestamptz,
  embedding_tries integer     not null default 0,
  embedding_error text,
  embedded_in     xid8,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  words           tsvector    generated always as (search_words(text)) stored
);
create index passages_archive on passages (archive_id, created_at, id);
create index passages_embedded on passages (archive_id, embedded_in);
create index passages_due on passages (embedding_due) where embedding_due is not null;
create index passages_words on passages using gin (words);

-- Vectors by model and sha256 of the text, so that no text is paid twice. Rows that nobody used for a month go away.
-- Writers: whoever computes embeddings.
create table embedding_cache (
  model        text        not null,
  content_hash bytea       not null,
  embedding    bytea       not null,
  used_at      timestamptz not null default now(),
  primary key (model, content_hash)
);

-- One row per change of an archive's model. `cursor` is the last passage that has its new vector; it moves in the
-- transaction that writes the vectors. Writers: the API creates, activities update.
create table reembeds (
  id          text        primary key,
  archive_id  text        not null references archives (id) on delete cascade,
  embedding   text        not null,
  cursor      text        not null default '',
  done        integer     not null default 0,
  status      text        not null default 'running' check (status in ('running', 'completed', 'failed', 'superseded')),
  error       text,
  created_at  timestamptz not null default now(),
  finished_at timestamptz
);
create index reembeds_archive on reembeds (archive_id, created_at);
create index reembeds_running on reembeds (created_at) where status = 'running';

-- The words of what was said, for search. Of a tool's result the beginning counts.
create function message_words(role text, parts jsonb) returns tsvector language sql immutable
return case when role in ('user', 'assistant', 'tool') then (
  select search_words(left(string_agg(coalesce(part ->> 'text', part ->> 'result'), E'\n' order by place),
                           case when role = 'tool' then 20000 else 1000000 end))
    from jsonb_array_elements(parts) with ordinality as listed (part, place)
   where part ->> 'type' in ('text', 'tool_return'))
end;
alter table messages add column words tsvector generated always as (message_words(role, parts)) stored;
create index messages_words on messages using gin (words);
