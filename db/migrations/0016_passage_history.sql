-- What every passage held at every version, and who wrote it; and the versions of blocks and passages as one list.

-- Who writes memory in this transaction, as it said itself (db/memory-author.ts); without a word of it a client of the API.
create function memory_author() returns jsonb language sql stable
return coalesce(nullif(current_setting('everturn.author', true), ''), '{"kind": "api"}')::jsonb;

create or replace function record_block_version() returns trigger language plpgsql as $$
begin
  insert into block_versions (block_id, version, label, value, author)
  values (new.id, new.version, new.label, new.value, memory_author());
  return null;
end $$;

-- Grain: one version of one passage. Writer: the trigger alone, in the transaction of the write. Where `is_deleted`, the
-- passage is gone since and the rest is what it held last. A history outlives its passage and goes with its archive.
-- `seq` orders the writes of an archive.
create table passage_versions (
  passage_id         text        not null,
  version            bigint      not null,
  archive_id         text        not null references archives (id) on delete cascade,
  text               text        not null,
  tags               text[]      not null,
  metadata           jsonb       not null,
  passage_created_at timestamptz not null,
  is_deleted         boolean     not null default false,
  author             jsonb       not null,
  created_at         timestamptz not null default clock_timestamp(),
  seq                bigint      generated always as identity,
  primary key (passage_id, version)
);
create index passage_versions_archive on passage_versions (archive_id, seq);
create index passage_versions_run on passage_versions ((author ->> 'runId')) where author ? 'runId';

create function record_passage_version() returns trigger language plpgsql as $$
declare
  passage passages := coalesce(new, old);
begin
  -- An archive that is being deleted takes the history of its passages along.
  insert into passage_versions (passage_id, version, archive_id, text, tags, metadata, passage_created_at, is_deleted, author)
  select passage.id, 1 + coalesce((select max(version) from passage_versions where passage_id = passage.id), 0),
         archives.id, passage.text, passage.tags, passage.metadata, passage.created_at, tg_op = 'DELETE', memory_author()
    from archives where archives.id = passage.archive_id;
  return null;
end $$;
create trigger passages_created after insert on passages for each row execute function record_passage_version();
create trigger passages_deleted after delete on passages for each row execute function record_passage_version();
create trigger passages_written after update of text, tags, metadata on passages for each row
  when ((old.text, old.tags, old.metadata) is distinct from (new.text, new.tags, new.metadata))
  execute function record_passage_version();

-- Passages that are older than their history begin it with what they hold.
insert into passage_versions (passage_id, version, archive_id, text, tags, metadata, passage_created_at, author, created_at)
  select id, 1, archive_id, text, tags, metadata, created_at, '{"kind": "unknown"}', updated_at
    from passages order by updated_at, created_at, id;

create view memory_versions as
  select 'block' as kind, block_id as id, version, author, created_at, value as text, label,
         null as archive_id, null::text[] as tags, null::jsonb as metadata, null::timestamptz as passage_created_at,
         false as is_deleted, null::bigint as seq
    from block_versions
  union all
  select 'passage', passage_id, version, author, created_at, text, null, archive_id, tags, metadata, passage_created_at,
         is_deleted, seq
    from passage_versions;
