import { attachBlock, detachOtherBlocks, replaceTools } from '../db/agent-attachments';
import { getAgent, lockAgent, updateAgent } from '../db/agents';
import { getBlocks } from '../db/blocks';
import { replaceFolders } from '../db/folders/agent-folders';
import { replaceIdentitiesOf } from '../db/identity-items';
import { inTransaction, type Queryable } from '../db/pool';
import { rebuildSystemMessages } from '../db/system-messages';
import { type Agent, type AgentPatch, checkAgentName, checkTimezone } from '../domain/agent';
import { checkUniqueLabels } from '../domain/block';
import { AppError } from '../domain/errors';
import { uniqueRules } from '../domain/tool-rules';
import { chooseEmbedding, prepareModelChange } from './agent-model';
import { loadAgentState } from './agent-state';
import { requestedFolders, requestedSecrets, requireTools } from './create-agent';
import { ensureSleeper } from './create-sleeper';
import type { ApiDeps } from './deps';
import type { AgentState, UpdateAgentBody } from './wire/agent';
import { withoutNulls } from './wire/fields';

/**
 * Applies an update in one transaction: all of it is stored, or none. Null and absent fields keep their value. A change
 * of what the system message is made of rebuilds it in place.
 */
export async function changeAgent(
  { db, models }: ApiDeps,
  id: string,
  body: UpdateAgentBody,
): Promise<AgentState> {
  if (typeof body.name === 'string') checkAgentName(body.name);
  if (typeof body.timezone === 'string') checkTimezone(body.timezone);
  const embedding = await chooseEmbedding(models, body);
  const changeModel = await prepareModelChange(models, body, (await getAgent(db, id)).model);
  return inTransaction(db, async (tx) => {
    const agent = await lockAgent(tx, id);
    refuseOtherMessages(agent, body.message_ids);
    const patch: AgentPatch = { ...describe(body), ...changeModel(agent), ...embedding };
    await updateAgent(tx, id, patch);
    await replaceAttachments(tx, id, body);
    const folderIds = requestedFolders(body);
    const hasOtherFolders = folderIds !== undefined && (await replaceFolders(tx, id, folderIds));
    if (patch.system !== undefined || patch.toolRules !== undefined || hasOtherFolders) {
      await rebuildSystemMessages(tx, { ...agent, ...patch }, new Date());
    }
    if (body.enable_sleeptime === true) await ensureSleeper(tx, { ...agent, ...patch });
    return loadAgentState(tx, id);
  });
}

const describe = (body: UpdateAgentBody): AgentPatch =>
  withoutNulls({
    name: body.name,
    system: body.system,
    description: body.description,
    toolRules: body.tool_rules && uniqueRules(body.tool_rules),
    tags: body.tags ? [...new Set(body.tags)] : undefined,
    metadata: body.metadata,
    secrets: requestedSecrets(body),
    timezone: body.timezone,
    messageBufferAutoclear: body.message_buffer_autoclear,
    enableSleeptime: body.enable_sleeptime,
    maxFilesOpen: body.max_files_open,
    perFileViewWindowCharLimit: body.per_file_view_window_char_limit,
    projectId: body.project_id,
    templateId: body.template_id,
    baseTemplateId: body.base_template_id,
    hidden: body.hidden,
    lastRunCompletion: body.last_run_completion ? new Date(body.last_run_completion) : undefined,
    lastRunDurationMs: body.last_run_duration_ms,
    lastStopReason: body.last_stop_reason,
  });

async function replaceAttachments(db: Queryable, id: string, body: UpdateAgentBody): Promise<void> {
  if (body.block_ids) {
    const blocks = await getBlocks(db, [...new Set(body.block_ids)]);
    checkUniqueLabels(blocks.map((block) => block.label));
    await detachOtherBlocks(db, id, blocks.map((block) => block.id)); // prettier-ignore
    for (const block of blocks) await attachBlock(db, id, block);
  }
  if (body.identity_ids) await replaceIdentitiesOf(db, id, body.identity_ids);
  if (body.tool_ids) {
    const tools = await requireTools(db, [...new Set(body.tool_ids)]);
    await replaceTools(db, id, tools.map((tool) => tool.id)); // prettier-ignore
  }
}

// Messages are written by turns alone: a client that chose them could separate a tool call from its result.
function refuseOtherMessages(agent: Agent, wanted: readonly string[] | null | undefined): void {
  if (!wanted || wanted.join() === agent.messageIds.join()) return;
  throw new AppError(
    'INVALID_ARGUMENT',
    'INVALID_ARGUMENT: `message_ids` cannot be set on this server. Leave it out, or reset the messages instead.',
  );
}
