-- Whether a sleeper's edits of memory wait for a human: null, or the seconds that a review may keep the sleeper from its next
-- look; the next look that is due after that discards it. Writer: the API.
-- `is_behind`: a look was due while the sleeper was at work or under review; it is taken after the next turn that finds it
-- free. Writer: activities.
alter table groups
  add column review_seconds integer check (review_seconds > 0),
  add column is_behind      boolean not null default false;
