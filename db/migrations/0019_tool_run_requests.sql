-- What a call by hand was asked with: another sending of the same request joins it.
alter table tool_runs add column request_hash text;
create index tool_runs_requests on tool_runs (request_hash, created_at) where request_hash is not null;
