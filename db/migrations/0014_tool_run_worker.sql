-- `worker`: the process that runs the call by hand; it holds the advisory lock of that number for as long as it lives.
-- Null for a call that was claimed before this column was there. Writer: the activity that claims it.
alter table tool_runs add column worker bigint;
