-- Providers of models that users bring with keys of their own.

-- One row per provider, unique by name: the name is the first part of the handles of its models, and how a step finds
-- the provider. `secrets` is never shown ({"apiKey", "accessKey"}). `version` counts changes: a client made for an older
-- version is not used any more. `last_synced` says when its list of models was last read on request. Writer: the API.
create table providers (
  id            text primary key,
  name          text        not null constraint unique_provider_name unique,
  provider_type text        not null,
  base_url      text,
  region        text,
  api_version   text,
  secrets       jsonb       not null default '{}',
  version       bigint      not null default 1,
  last_synced   timestamptz,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now()
);
create index providers_created_at on providers (created_at, id);

-- Whose key paid for the step: base (the server's) or byok (a stored provider's); null in rows of older servers, which
-- knew only base.
alter table steps add column provider_category text;
