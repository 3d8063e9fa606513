-- What every block held at every version, and who wrote it.

-- Grain: one version of one block. Writer: the trigger alone, in the transaction of the write, so that no write escapes it.
-- `author` is what that transaction said of itself in the setting `everturn.author` (db/block-author.ts): `kind` is tool,
-- by_hand, api or revert, the rest are ids. A block is deleted with its history.
create table block_versions (
  block_id   text        not null references blocks (id) on delete cascade,
  version    bigint      not null,
  label      text        not null,
  value      text        not null,
  author     jsonb       not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (block_id, version)
);
create index block_versions_run on block_versions ((author ->> 'runId')) where author ? 'runId';

create function record_block_version() returns trigger language plpgsql as $$
begin
  insert into block_versions (block_id, version, label, value, author)
  values (new.id, new.version, new.label, new.value,
          coalesce(nullif(current_setting('everturn.author', true), ''), '{"kind": "api"}')::jsonb);
  return null;
end $$;
create trigger blocks_created after insert on blocks for each row execute function record_block_version();
create trigger blocks_written after update on blocks for each row when (old.version <> new.version)
  execute function record_block_version();

-- Blocks that are older than their history begin it with what they hold.
insert into block_versions (block_id, version, label, value, author, created_at)
  select id, version, label, value, '{"kind": "unknown"}', updated_at from blocks;
