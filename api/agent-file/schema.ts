import { z } from 'zod';
import { AGENT_TYPES } from '../../domain/agent';
import { int32, jsonObject } from '../wire/fields';
import { CreateBlockBody } from '../wire/block';
import { compactionFields } from '../wire/agent-model';
import { ToolRuleBody } from '../wire/tool-rule';

// The part of Letta's agent files (`.af`) that this server reads. Ids are those of the file: `agent-0`, `block-1`. What is
// not named here is left aside.

const optionalText = z.string().nullish();
const idsInFile = z.array(z.string()).nullish();
const environment = z.record(z.string(), z.string()).nullish();

const Content = z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]);
export const FileMessage = z.object({
  id: z.string(),
  role: z.enum(['system', 'user', 'assistant', 'tool', 'approval', 'summary', 'function']),
  content: Content.nullish(),
  name: optionalText,
  otid: optionalText,
  sender_id: optionalText,
  tool_calls: z
    .array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }))
    .nullish(),
  tool_call_id: optionalText,
  tool_returns: z
    .array(
      z.object({
        tool_call_id: optionalText,
        status: z.string().nullish(),
        stdout: z.array(z.string()).nullish(),
        stderr: z.array(z.string()).nullish(),
        func_response: z.unknown().optional(),
      }),
    )
    .nullish(),
  approve: z.boolean().nullish(),
  approval_request_id: optionalText,
  denial_reason: optionalText,
  approvals: z.array(z.looseObject({ type: z.string().nullish() })).nullish(),
  created_at: z.iso.datetime({ offset: true, local: true }).nullish(),
});
export type FileMessage = z.infer<typeof FileMessage>;

export const FileAgent = z.object({
  id: z.string(),
  name: z.string(),
  agent_type: z.enum(AGENT_TYPES).nullish(),
  system: optionalText,
  description: optionalText,
  metadata: jsonObject.nullish(),
  tags: z.array(z.string()).nullish(),
  tool_rules: z.array(ToolRuleBody).nullish(),
  tool_ids: idsInFile,
  block_ids: idsInFile,
  source_ids: idsInFile,
  folder_ids: idsInFile,
  files_agents: z.array(z.object({ file_id: z.string(), is_open: z.boolean().nullish() })).nullish(),
  llm_config: z
    .looseObject({ model: z.string(), handle: optionalText, context_window: int32.nullish() })
    .nullish(),
  model: optionalText,
  embedding_config: jsonObject.nullish(),
  embedding: optionalText,
  compaction_settings: compactionFields.nullish(),
  response_format: jsonObject.nullish(),
  tool_exec_environment_variables: environment,
  secrets: environment,
  timezone: optionalText,
  message_buffer_autoclear: z.boolean().nullish(),
  max_files_open: int32.nullish(),
  per_file_view_window_char_limit: int32.nullish(),
  hidden: z.boolean().nullish(),
  messages: z.array(FileMessage).nullish(),
  in_context_message_ids: idsInFile,
});
export type FileAgent = z.infer<typeof FileAgent>;

export const FileTool = z.object({
  id: z.string(),
  name: z.string().min(1),
  tool_type: optionalText,
  description: optionalText,
  source_type: optionalText,
  source_code: optionalText,
  json_schema: z
    .looseObject({ name: z.string(), description: optionalText, parameters: jsonObject.nullish() })
    .nullish(),
  args_json_schema: jsonObject.nullish(),
  tags: z.array(z.string()).nullish(),
  return_char_limit: int32.min(1).nullish(),
  pip_requirements: z.array(jsonObject).nullish(),
  npm_requirements: z.array(jsonObject).nullish(),
  default_requires_approval: z.boolean().nullish(),
  enable_parallel_execution: z.boolean().nullish(),
  metadata_: jsonObject.nullish(),
});
export type FileTool = z.infer<typeof FileTool>;

export const FileBlock = CreateBlockBody.extend({ id: z.string() });
export type FileBlock = z.infer<typeof FileBlock>;

export const FileSource = z.object({
  id: z.string(),
  name: z.string(),
  description: optionalText,
  instructions: optionalText,
  metadata: jsonObject.nullish(),
  embedding: optionalText,
  embedding_config: jsonObject.nullish(),
});
export type FileSource = z.infer<typeof FileSource>;

/** A text of a folder. */
export const FileText = z.object({
  id: z.string(),
  source_id: z.string(),
  file_name: optionalText,
  original_file_name: optionalText,
  file_type: optionalText,
  file_size: int32.min(0).nullish(),
  content: optionalText,
});
export type FileText = z.infer<typeof FileText>;

/** Of the groups, those of an agent and its sleeper are read. */
export const FileGroup = z.looseObject({
  agent_ids: idsInFile,
  manager_config: z
    .looseObject({ manager_agent_id: optionalText, sleeptime_agent_frequency: int32.min(1).nullish() })
    .nullish(),
});
export type FileGroup = z.infer<typeof FileGroup>;

export const AgentFile = z.object({
  agents: z.array(FileAgent).min(1),
  blocks: z.array(FileBlock).nullish(),
  tools: z.array(FileTool).nullish(),
  groups: z.array(FileGroup).nullish(),
  files: z.array(FileText).nullish(),
  sources: z.array(FileSource).nullish(),
});
export type AgentFile = z.infer<typeof AgentFile>;
