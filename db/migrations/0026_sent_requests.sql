-- Requests that store passages, a file or a batch at once, so that one that is sent again stores nothing twice. One row per request:
-- `place` is the archive, the folder or 'batches', `request_key` the name that the client gave it, `request_hash` its fingerprint, `ids` what it
-- stored. A row goes with its place; one without a key is forgotten an hour later, with the next request there.
-- Writer: the API, in the transaction that stores.
create table sent_requests (
  place        text        not null,
  request_key  text,
  request_hash text        not null,
  ids          text[]      not null,
  created_at   timestamptz not null default now(),
  archive_id   text generated always as (case when place like 'archive-%' then place end) stored references archives (id) on delete cascade,
  folder_id    text generated always as (case when place like 'source-%' then place end) stored references folders (id) on delete cascade,
  check (place = 'batches' or num_nonnulls(archive_id, folder_id) = 1)
);
create unique index sent_requests_key on sent_requests (place, request_key) where request_key is not null;
create index sent_requests_hash on sent_requests (place, request_hash, created_at) where request_key is null;
create index sent_requests_archive on sent_requests (archive_id) where archive_id is not null;
create index sent_requests_folder on sent_requests (folder_id) where folder_id is not null;

-- The same file is known by its request.
alter table files drop column content_hash;
