-- Folders of files that agents can look into, and the passages of the files, by which search finds them.

-- One row per folder. `embedding` is the handle of the model whose vectors its passages have; null: full-text search alone.
-- Writer: the API.
create table folders (
  id               text primary key,
  name             text        not null constraint unique_folder_name unique,
  description      text,
  instructions     text,
  embedding        text,
  embedding_config jsonb,
  metadata         jsonb,
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now()
);
create index folders_created on folders (created_at, id);

-- One row per file. `name` is what the file is called in its folder, `original_name` what it was called when it came; they
-- differ where the folder had one of that name. `content` is the whole text. It never changes: another text is another file.
-- Writer: the API, which stores a file and its passages in one transaction.
create table files (
  id            text primary key,
  folder_id     text        not null references folders (id) on delete cascade,
  name          text        not null,
  original_name text        not null,
  content_type  text        not null,
  size          integer     not null,
  content       text        not null,
  content_hash  bytea       not null,
  passage_count integer     not null,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  constraint unique_file_name unique (folder_id, name)
);
create index files_created on files (folder_id, created_at, id);
create index files_original on files (folder_id, original_name);

-- One row per passage of a file: its lines from `first_line` to `last_line`. The columns from `embedding` on mean what they
-- mean in `passages`. Writers: the API, with the file, and the worker that fills embeddings in.
create table file_passages (
  id              text primary key,
  folder_id       text        not null references folders (id) on delete cascade,
  file_id         text        not null references files (id) on delete cascade,
  position        integer     not null,
  first_line      integer     not null,
  last_line       integer     not null,
  text            text        not null,
  created_at      timestamptz not null default now(),
  embedding       bytea,
  embedding_model text,
  embedding_dim   integer,
  embedding_due   timestamptz,
  embedding_tries integer     not null default 0,
  embedding_error text,
  embedded_in     xid8,
  words           tsvector    generated always as (search_words(text)) stored,
  unique (file_id, position)
);
create index file_passages_folder on file_passages (folder_id, created_at, id);
create index file_passages_embedded on file_passages (folder_id, embedded_in);
create index file_passages_due on file_passages (embedding_due) where embedding_due is not null;
create index file_passages_due_of_file on file_passages (file_id) where embedding_due is not null;
create index file_passages_words on file_passages using gin (words);

-- Which folders an agent can look into. Writer: the API.
create table agent_folders (
  agent_id   text        not null references agents (id) on delete cascade,
  folder_id  text        not null references folders (id) on delete cascade,
  created_at timestamptz not null default clock_timestamp(),
  primary key (agent_id, folder_id)
);
create index agent_folders_folder on agent_folders (folder_id);
