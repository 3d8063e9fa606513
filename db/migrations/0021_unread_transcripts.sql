-- Runs of sleepers that ended before they had worked through their transcript: the next look takes it along, and then
-- marks them `handed_on` in their metadata. Writer: activities.
create index runs_unread on runs (conversation_id)
  where status in ('failed', 'cancelled') and metadata ->> 'run_type' = 'sleeptime' and not metadata ? 'handed_on';
