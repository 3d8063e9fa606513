-- Contexts that a worker may keep: what tells it whether the one it has is still the thread's.

-- `context_length` counts the messages in the context. `context_epoch` is another number after every change but a message
-- that joins: one that left, or was edited or moved. So a context that was read at the same epoch is a part of today's, and
-- with as many messages it is today's; no two states of any thread share an epoch. Written by the triggers below, whoever
-- changes a message.
create sequence context_epochs;
alter table conversations
  add column context_epoch  bigint  not null default nextval('context_epochs'),
  add column context_length integer not null default 0;
update conversations c
   set context_length = (select count(*) from messages m where m.conversation_id = c.id and m.in_context);

create function messages_joined() returns trigger language plpgsql as $$
begin
  update conversations c set context_length = c.context_length + joined.count
    from (select conversation_id, count(*) as count from new_rows where in_context group by 1) joined
   where c.id = joined.conversation_id;
  return null;
end $$;

create function messages_left() returns trigger language plpgsql as $$
begin
  update conversations c set context_length = c.context_length - gone.count, context_epoch = nextval('context_epochs')
    from (select conversation_id, count(*) as count from old_rows where in_context group by 1) gone
   where c.id = gone.conversation_id;
  return null;
end $$;

-- Only what a reader of the context sees counts as a change.
create function messages_changed() returns trigger language plpgsql as $$
begin
  update conversations c
     set context_length = c.context_length + changed.count,
         context_epoch = case when changed.any_seen then nextval('context_epochs') else c.context_epoch end
    from (select conversation_id, sum(count) as count, bool_or(is_seen) as any_seen
            from (select o.conversation_id, case when o.in_context then -1 else 0 end as count,
                         o.in_context and (n.id is null or n.in_context is not true or
                           (o.seq, o.context_seq, o.conversation_id, o.agent_id, o.run_id, o.step_id, o.role, o.parts, o.name,
                            o.otid, o.sender_id, o.created_at) is distinct from
                           (n.seq, n.context_seq, n.conversation_id, n.agent_id, n.run_id, n.step_id, n.role, n.parts, n.name,
                            n.otid, n.sender_id, n.created_at)) as is_seen
                    from old_rows o left join new_rows n on n.id = o.id
                   union all
                  select conversation_id, 1, false from new_rows where in_context) each
           group by conversation_id) changed
   where c.id = changed.conversation_id and (changed.count <> 0 or changed.any_seen);
  return null;
end $$;

create trigger context_joined after insert on messages referencing new table as new_rows
  for each statement execute function messages_joined();
create trigger context_left after delete on messages referencing old table as old_rows
  for each statement execute function messages_left();
create trigger context_changed after update on messages referencing old table as old_rows new table as new_rows
  for each statement execute function messages_changed();

-- `prompt_prefix_share` is how much of a request's prompt the request before it, in the same conversation, began with, byte
-- for byte; null where there was none. `prompt_marks` names the bytes of that request: lengths and checksums, see
-- domain/prompt-print.ts. Writer: activities, with the reply.
alter table steps add column prompt_prefix_share double precision;
alter table conversations add column prompt_marks jsonb;
