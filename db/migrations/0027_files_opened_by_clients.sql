-- Whether a client opened a file: then every conversation of the agent is shown it. What the agent opens itself it reads in the
-- result of its tool.
alter table agent_files add column by_client boolean not null default false;
