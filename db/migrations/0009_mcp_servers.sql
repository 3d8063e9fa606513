-- Servers of the Model Context Protocol, their tools, and what was agreed with them by OAuth.

-- One row per server, unique by name. `config` is what may be shown (address, name of the auth header, command and its
-- arguments), `secrets` what never is (auth token, headers, environment of the child process). `version` counts changes of
-- the two: an open session of an older version is not used any more. `tools_read_at` says when the list of tools was last
-- read, `tools_error` why the last attempt to read it failed; the tools of the last good one are kept. Writer: the API.
create table mcp_servers (
  id            text primary key,
  name          text        not null constraint unique_mcp_server_name unique,
  type          text        not null check (type in ('stdio', 'sse', 'streamable_http')),
  config        jsonb       not null,
  secrets       jsonb       not null default '{}',
  version       bigint      not null default 1,
  tools_read_at timestamptz,
  tools_error   text,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now()
);

-- Which tool stands for which tool of a server. `name` is the server's own, which may differ from the tool's.
-- `has_own_effects`: a user has said what the tool may do; the server's annotations do not change it any more. Writer: the API.
create table mcp_tools (
  tool_id         text primary key references tools (id) on delete cascade,
  server_id       text    not null references mcp_servers (id) on delete cascade,
  name            text    not null,
  has_own_effects boolean not null default false,
  constraint unique_mcp_tool_name unique (server_id, name)
);

-- One row per authorization that was begun with the server at an address; `state` names it on the way through the
-- browser. `client`, `tokens` and `verifier` are secrets. The newest authorized row of an address is the one in use.
-- Writers: the API, and workers, which refresh tokens.
create table mcp_oauth (
  state        text primary key,
  server_url   text        not null,
  redirect_url text        not null,
  status       text        not null default 'pending' check (status in ('pending', 'authorized', 'failed')),
  client       jsonb,
  tokens       jsonb,
  verifier     text,
  discovery    jsonb,
  error        text,
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now()
);
create index mcp_oauth_url on mcp_oauth (server_url, updated_at);
