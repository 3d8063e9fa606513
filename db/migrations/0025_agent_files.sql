-- Which files an agent has opened, and what of them it looks at; files that it never opened have no row. `first_line` null:
-- from the beginning; `last_line` null: to the end. What is open is shown to clients, and is no part of any prompt.
-- Writers: the API, and the tools open_files and grep_files.
create table agent_files (
  agent_id         text        not null references agents (id) on delete cascade,
  file_id          text        not null references files (id) on delete cascade,
  is_open          boolean     not null,
  first_line       integer,
  last_line        integer,
  last_accessed_at timestamptz not null default clock_timestamp(),
  primary key (agent_id, file_id)
);
create index agent_files_file on agent_files (file_id);
