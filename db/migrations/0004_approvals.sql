-- When a call that waits for a human is answered without one. Null means never. Shape: {"action", "afterSeconds"}.
-- The agent's word counts before the tool's. Writer of both: the API.
alter table tools add column approval_expiry jsonb;
alter table agent_tools add column approval_expiry jsonb;

-- One row per tool call that a human, or the client that runs it, was asked about. It reads what activities wrote: the
-- request's message, its step (whose outcome holds `pending` until the answer) and the answer.
create view approvals as
  select m.id || '/' || (part.value ->> 'id') as id, m.id as message_id, m.agent_id, m.conversation_id, m.run_id, m.step_id,
         part.value ->> 'id' as tool_call_id, part.value ->> 'name' as tool_name, part.value ->> 'arguments' as arguments,
         coalesce((planned.value -> 'isClient')::boolean, false) as is_client,
         planned.value -> 'expiry' ->> 'action' as expiry_action,
         m.created_at as requested_at,
         m.created_at + make_interval(secs => (s.outcome ->> 'expiresAfter')::float8) as expires_at,
         case when s.outcome ? 'pending' then 'pending'
              when answer.created_at is null then 'cancelled'
              when r.metadata ? 'approval_expiry' then 'expired'
              else 'answered' end as status,
         answer.created_at as answered_at, answer.run_id as answered_by,
         case when answered.value ->> 'type' = 'tool_return' then true else (answered.value -> 'approve')::boolean end as is_approved,
         answered.value ->> 'reason' as reason, answered.value ->> 'arguments' as edited_arguments
    from messages m
         join steps s on s.id = m.step_id
         cross join lateral jsonb_path_query_array(m.parts, '$[*] ? (@.type == "tool_call")') as made (calls)
         cross join lateral jsonb_array_elements(made.calls) with ordinality as part (value, position)
         left join lateral jsonb_array_elements(coalesce(s.outcome -> 'pending', s.outcome -> 'calls')) as planned (value)
                on (planned.value -> 'index')::int = part.position - 1
         left join messages answer on answer.step_id = m.step_id and answer.role = 'approval_response'
         left join runs r on r.id = answer.run_id
         left join lateral jsonb_array_elements(answer.parts) as answered (value)
                on answered.value ->> 'toolCallId' = part.value ->> 'id'
   where m.role = 'approval_request' and coalesce((part.value -> 'waits')::boolean, true);
create index messages_approvals on messages (created_at) where role = 'approval_request';
