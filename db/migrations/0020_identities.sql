-- Whom agents and blocks belong to in the client's own terms: a user, an organisation. `identifier_key` is the client's
-- name for it, unique within a project. Writer: the API.
create table identities (
  id             text primary key,
  identifier_key text        not null,
  name           text        not null,
  identity_type  text        not null check (identity_type in ('org', 'user', 'other')),
  project_id     text,
  properties     jsonb       not null default '[]',
  created_at     timestamptz not null default now(),
  updated_at     timestamptz not null default now()
);
create unique index identities_key on identities (identifier_key, coalesce(project_id, ''));
create index identities_created on identities (created_at, id);

-- Which agents an identity has. Writer: the API.
create table identity_agents (
  identity_id text not null references identities (id) on delete cascade,
  agent_id    text not null references agents (id) on delete cascade,
  primary key (identity_id, agent_id)
);
create index identity_agents_agent on identity_agents (agent_id);

-- Which blocks an identity has; its agents see none of them for that. Writer: the API.
create table identity_blocks (
  identity_id text not null references identities (id) on delete cascade,
  block_id    text not null references blocks (id) on delete cascade,
  primary key (identity_id, block_id)
);
create index identity_blocks_block on identity_blocks (block_id);

-- `agents.identity_ids` holds ids of identities that could not exist. It stays while servers of the version before may run.
