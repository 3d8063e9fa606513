-- How a request that is sent again finds its run. Grain: one run. Writer: the API, with the row, never changed after.
-- `request_key` is the name the client gave its request (an Idempotency-Key, or the otids of its messages), unique in
-- the conversation for as long as the run is kept. `request_hash` is the fingerprint of what was asked.
alter table runs
  add column request_key  text,
  add column request_hash text;
create unique index runs_request_key on runs (conversation_id, request_key) where request_key is not null;
create index runs_conversation on runs (conversation_id, created_at);
