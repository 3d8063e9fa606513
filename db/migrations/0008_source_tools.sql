-- Tools that run from source.

-- `network`: whether the tool's code may reach public addresses. Null leaves it to TOOL_NETWORK. Writer: the API.
alter table tools add column network boolean;

-- A source may be tried without an agent. `source` is then the tool itself, and `env` what its code finds in the
-- environment; both are emptied with the outcome. Writer: the API, with the row.
alter table tool_runs
  alter column agent_id drop not null,
  add column source jsonb,
  add column env    jsonb;
create index tool_runs_trials on tool_runs (created_at) where source is not null;
