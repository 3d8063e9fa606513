import { z } from 'zod';
import { jsonObject } from '../wire/fields';
import { type AgentFile, FileAgent, FileBlock, FileMessage, FileTool } from './schema';

// The form of agent files before there were several agents in one: blocks, tools and messages lie inside the agent, without
// ids, and the context is a list of places in its messages.

const variables = z.array(z.object({ key: z.string(), value: z.string().nullish() })).nullish();
const metadata = { metadata_: jsonObject.nullish() };

const OlderAgent = FileAgent.omit({
  id: true,
  metadata: true,
  tool_ids: true,
  block_ids: true,
  in_context_message_ids: true,
}).extend({
  ...metadata,
  tags: z.array(z.object({ tag: z.string() })).nullish(),
  core_memory: z.array(FileBlock.omit({ id: true, metadata: true }).extend(metadata)),
  tools: z.array(FileTool.omit({ id: true })).nullish(),
  messages: z.array(FileMessage.omit({ id: true })).nullish(),
  in_context_message_indices: z.array(z.int()).nullish(),
  tool_exec_environment_variables: variables,
  secrets: variables,
  multi_agent_group: z.unknown(),
});

/** Whether a file holds one agent in the older form. */
export const isOlderFile = (file: object): boolean => !('agents' in file) && 'core_memory' in file;

/** Reads a file of the older form as one of today's. */
export const OlderAgentFile = OlderAgent.transform((older): AgentFile => {
  const {
    core_memory: memory,
    tools,
    messages,
    in_context_message_indices: context,
    multi_agent_group: group,
    metadata_: metadata,
    tags,
    secrets,
    tool_exec_environment_variables: environment,
    ...fields
  } = older;
  const blocks = memory.map(({ metadata_, ...block }, at) => ({
    ...block,
    metadata: metadata_,
    id: `block-${at}`,
  }));
  const withIds = numbered(tools ?? [], 'tool');
  return {
    agents: [
      {
        ...fields,
        id: 'agent-0',
        metadata,
        tags: tags?.map(({ tag }) => tag),
        secrets: toRecord(secrets),
        tool_exec_environment_variables: toRecord(environment),
        block_ids: blocks.map(({ id }) => id),
        tool_ids: withIds.map(({ id }) => id),
        messages: numbered(messages ?? [], 'message'),
        in_context_message_ids: context?.map((at) => `message-${at}`),
      },
    ],
    blocks,
    tools: withIds,
    groups: group ? [{}] : [],
  };
});

const numbered = <T extends object>(items: readonly T[], kind: string) =>
  items.map((item, at) => ({ ...item, id: `${kind}-${at}` }));
const toRecord = (list: z.infer<typeof variables>) =>
  list && Object.fromEntries(list.map(({ key, value }) => [key, value ?? '']));
