-- How a message is taken that meets a turn in progress. Grain: one run.

-- `multitask_strategy` is null for a message that named none and met an idle conversation. Writer: the API, with the row.
-- `joined_*`: the message became part of the turn of another run. The step that read it, and the number of that run's
-- last event before: what that run shows from there on belongs to this run too. Writer: activities.
alter table runs
  add column multitask_strategy text check (multitask_strategy in ('reject', 'enqueue', 'steer', 'interrupt', 'rollback')),
  add column joined_run_id      text references runs (id) on delete set null,
  add column joined_at_step     integer,
  add column joined_after       bigint;
create index runs_joined on runs (joined_run_id) where joined_run_id is not null;
