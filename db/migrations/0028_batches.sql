-- Messages to many agents, sent at once. What a batch comes to is read from its runs, which are ordinary ones: a batch is over
-- when all of them are. Writer: the API.
create table batches (
  id                   text        primary key,
  callback_url         text,
  callback_sent_at     timestamptz,
  callback_status_code integer,
  callback_error       text,
  cancelled_at         timestamptz,
  created_at           timestamptz not null default now()
);
create index batches_created on batches (created_at, id);
create index batches_callbacks on batches (created_at) where callback_url is not null and callback_sent_at is null;

alter table runs add column batch_id text references batches (id) on delete set null;
create index runs_batch on runs (batch_id) where batch_id is not null;
create index runs_batch_open on runs (queue_seq) where batch_id is not null and status in ('created', 'running');
