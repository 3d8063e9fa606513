-- Replies that are paid once, and what attempts that died have cost.

-- `begun_response` is the provider's id of a response that goes on while nobody listens, `begun_attempt` the attempt
-- that asked for it: the next one re-attaches and keeps its message id. `delta_batch` numbers what the attempt
-- `delta_attempt` has shown, so that a write of unknown outcome can be repeated. `lost_*` count the attempts whose
-- reply was discarded and the tokens of what they had shown, at four characters each. Writer: activities.
alter table steps
  add column begun_response         text,
  add column begun_attempt          integer,
  add column delta_attempt          integer not null default 0,
  add column delta_batch            integer not null default 0,
  add column lost_attempts          integer not null default 0,
  add column lost_completion_tokens integer not null default 0;
