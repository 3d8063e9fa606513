import type { Block } from '../../domain/block';
import { finding, type Finding } from '../../domain/doctor';
import { memorySeen, textOf } from '../../domain/prompt';
import { shownLabels } from '../../domain/system-prompt';
import type { MessagePart } from '../../domain/message';
import type { SeedMessage } from '../agent-threads';
import { toJsonb } from '../json';
import type { Queryable } from '../pool';

/** What is wrong with what an agent knows from the start: its system message, its memory, and the room for both. */
export async function examineMemory(db: Queryable, agentId: string): Promise<readonly Finding[]> {
  return [
    ...(await examineSystemMessages(db, agentId)),
    ...(await examineMemoryTools(db, agentId)),
    ...(await examineContextSizes(db, agentId)),
  ];
}

interface ThreadRow {
  readonly id: string;
  readonly message_id: string | null;
  readonly parts: readonly MessagePart[] | null;
  readonly seen: readonly string[];
  readonly attached: readonly string[];
}

async function examineSystemMessages(db: Queryable, agentId: string): Promise<readonly Finding[]> {
  const { rows } = await db.query<ThreadRow>(
    `select c.id, m.id as message_id, m.parts, array(select jsonb_object_keys(c.memory_seen)) as seen,
            array(select label from agent_blocks ab where ab.agent_id = c.agent_id) as attached
       from conversations c
            left join messages m on m.id = c.system_message_id and m.conversation_id = c.id and m.role = 'system' and m.in_context
      where c.agent_id = $1 order by c.id`,
    [agentId],
  );
  return rows.flatMap(({ id: conversationId, message_id: messageId, parts, seen, attached }) => {
    if (!parts)
      return [finding('missing_system_message', { conversationId }, 'The thread has no system message.')];
    const shown = new Set([...seen, ...shownLabels(textOf(parts))]);
    return [...shown]
      .filter((label) => !attached.includes(label))
      .map((label) =>
        finding(
          'missing_block',
          { conversationId, messageId },
          `The system message shows the memory block "${label}", which the agent does not have any more.`,
          { label },
        ),
      );
  });
}

/** The threads of an agent that have no system message, locked until the transaction ends. */
export async function findThreadsWithoutSystem(db: Queryable, agentId: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select c.id from conversations c
      where c.agent_id = $1
        and not exists (select from messages m where m.id = c.system_message_id and m.conversation_id = c.id
                           and m.role = 'system' and m.in_context)
      order by c.id for update of c`,
    [agentId],
  );
  return rows.map(({ id }) => id);
}

/** Stores a system message in front of everything else in its thread, whose model knows these blocks from then on. */
export async function putSystemMessageFirst(
  db: Queryable,
  {
    agentId,
    conversationId,
    message,
    blocks,
  }: {
    readonly agentId: string;
    readonly conversationId: string;
    readonly message: Pick<SeedMessage, 'id' | 'parts'>;
    readonly blocks: readonly Pick<Block, 'id' | 'label' | 'version'>[];
  },
): Promise<void> {
  await db.query(
    `insert into messages (id, seq, conversation_id, agent_id, role, parts) overriding system value
     select $1, coalesce(min(seq), nextval(pg_get_serial_sequence('messages', 'seq'))) - 1, $2, $3, 'system', $4
       from messages where conversation_id = $2`,
    [message.id, conversationId, agentId, toJsonb(message.parts)],
  );
  await db.query(`update conversations set system_message_id = $2, memory_seen = $3 where id = $1`, [
    conversationId,
    message.id,
    toJsonb(memorySeen(blocks)),
  ]);
}

async function examineMemoryTools(db: Queryable, agentId: string): Promise<readonly Finding[]> {
  const { rows } = await db.query<{ name: string }>(
    `select t.name from agent_tools at join tools t on t.id = at.tool_id
      where at.agent_id = $1 and t.effects = 'transactional' and t.name ~ '^(core_)?memory_'
        and not exists (select from agent_blocks ab where ab.agent_id = at.agent_id) order by t.name`,
    [agentId],
  );
  if (rows.length === 0) return [];
  const names = rows.map(({ name }) => name);
  return [
    finding(
      'memory_tools_without_block',
      {},
      `The agent has memory tools (${names.join(', ')}) and no memory block: each of their calls fails.`,
      { tool_names: names },
    ),
  ];
}

interface SizeRow {
  readonly id: string;
  readonly context_window: number;
  readonly estimated: number;
  readonly last: number | null;
}

// Four characters a token, the texts of messages only: pictures are counted by their providers in ways of their own.
async function examineContextSizes(db: Queryable, agentId: string): Promise<readonly Finding[]> {
  const { rows } = await db.query<SizeRow>(
    `select * from (
       select c.id, (coalesce(c.llm_config, a.llm_config) ->> 'context_window')::float8 as context_window,
              (select coalesce(sum(length(coalesce(part ->> 'text', '')) + length(coalesce(part ->> 'arguments', ''))
                                   + length(coalesce(part ->> 'result', ''))) / 4, 0)
                 from messages m, jsonb_array_elements(m.parts) part
                where m.conversation_id = c.id and m.in_context)::float8 as estimated,
              (select s.prompt_tokens from steps s join runs r on r.id = s.run_id
                where r.conversation_id = c.id and s.prompt_tokens is not null order by s.started_at desc limit 1) as last
         from conversations c join agents a on a.id = c.agent_id
        where a.id = $1 and jsonb_typeof(coalesce(c.llm_config, a.llm_config) -> 'context_window') = 'number') sizes
      where estimated > context_window order by id`,
    [agentId],
  );
  return rows.map(({ id, context_window: contextWindow, estimated, last }) => {
    const tokens = Math.round(estimated);
    return finding(
      'context_over_window',
      { conversationId: id },
      `The thread holds about ${tokens} tokens; the context window of the agent has ${contextWindow}.`,
      { estimated_tokens: tokens, last_prompt_tokens: last, context_window: contextWindow },
    );
  });
}
