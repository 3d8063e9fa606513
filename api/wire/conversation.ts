import { z } from 'zod';
import type { Conversation } from '../../db/conversations';
import { DEFAULT_USER_ID } from '../../domain/ids';
import { modelFields } from './agent-model';
import { toWireMicros } from './dates';
import { pageFields } from './page';
import { queryChoices } from './fields';
import { WIRE_MESSAGE_TYPES } from './message-types';
import { queryChoice, queryFlag, queryText } from './query';
import { RunStreamBody } from './turn-request';

/** Body of `POST /v1/conversations/`. */
export const CreateConversationBody = z.object({
  summary: z.string().nullish(),
  isolated_block_labels: z.array(z.string()).nullish(),
  model: z.string().nullish(),
  model_settings: modelFields.model_settings,
});
export type CreateConversationBody = z.output<typeof CreateConversationBody>;

/** Body of `PATCH /v1/conversations/{id}`. Null takes a value away, an absent field leaves it. */
export const UpdateConversationBody = CreateConversationBody.omit({ isolated_block_labels: true });
export type UpdateConversationBody = z.output<typeof UpdateConversationBody>;

/** Query of the routes that name an agent's own thread `default`. */
export const AgentOfThread = z.object({ agent_id: queryText() });
/** Query of `POST /v1/conversations/{id}/fork`. */
export const ForkQuery = AgentOfThread.extend({ message_id: queryText(), hidden: queryFlag() });
/** The same in a body. */
export const AgentOfBody = z.object({ agent_id: z.string().nullish() });

export const ConversationListQuery = z.object({
  ...pageFields({ limit: 50, order: 'desc' }),
  agent_id: queryText(),
  summary_search: queryText(),
  order_by: queryChoice(['created_at', 'last_run_completion', 'last_message_at']),
});

export const ConversationMessagesQuery = z.object({
  ...pageFields({ limit: 100, order: 'desc' }),
  agent_id: queryText(),
  include_return_message_types: queryChoices(WIRE_MESSAGE_TYPES),
  order_by: queryChoice(['created_at']),
});

/** Body of `POST /v1/conversations/{id}/stream`. */
export const ConversationStreamBody = RunStreamBody.extend({
  agent_id: z.string().nullish(),
  run_id: z.string().nullish(),
  otid: z.string().nullish(),
});

/** A conversation as clients see it. Lists leave its message ids out, as the original does. */
export const toWireConversation = (conversation: Conversation, contextIds: readonly string[] = []) => ({
  created_by_id: DEFAULT_USER_ID,
  last_updated_by_id: DEFAULT_USER_ID,
  created_at: toWireMicros(conversation.createdAt),
  updated_at: toWireMicros(conversation.updatedAt),
  id: conversation.id,
  agent_id: conversation.agentId,
  summary: conversation.summary,
  in_context_message_ids: contextIds,
  isolated_block_ids: conversation.isolatedBlockIds,
  model: conversation.model,
  model_settings: conversation.modelSettings,
  last_message_at: conversation.lastMessageAt && toWireMicros(conversation.lastMessageAt),
});
