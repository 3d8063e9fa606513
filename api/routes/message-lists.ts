import { Router } from 'express';
import { z } from 'zod';
import { requireAgent } from '../../db/agents';
import { getMessage, listTranscript } from '../../db/messages';
import type { SpeakerView } from '../../domain/message-view';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { queryChoices } from '../wire/fields';
import { toWireMessages } from '../wire/message';
import { WIRE_MESSAGE_TYPES } from '../wire/message-types';
import { pageFields } from '../wire/page';
import { queryChoice, queryFlag, queryText } from '../wire/query';
import { parseQuery } from '../wire/validation';

const MessageListQuery = z.object({
  ...pageFields({ limit: 100, order: 'desc' }),
  conversation_id: queryText(),
  include_return_message_types: queryChoices(WIRE_MESSAGE_TYPES),
  order_by: queryChoice(['created_at']),
});
const AgentMessageListQuery = MessageListQuery.extend({
  use_assistant_message: queryFlag(),
  assistant_message_tool_name: queryText(),
  assistant_message_tool_kwarg: queryText(),
});

/** Reads of stored messages. One stored message may be several items of a list; `limit` counts the stored ones. */
export function messageListRoutes({ db }: Pick<ApiDeps, 'db'>): Router {
  const router = Router();
  checkPathIds(router, { agentId: 'agent', messageId: 'message' });

  router.get('/agents/:agentId/messages', async (req, res) => {
    const query = parseQuery(AgentMessageListQuery, req.query);
    const { agentId } = req.params;
    await requireAgent(db, agentId);
    const conversationId = query.conversation_id === 'default' ? agentId : query.conversation_id;
    const messages = await listTranscript(db, { agentId, conversationId }, query);
    const options = { includeTypes: query.include_return_message_types, speaker: askedSpeaker(query) };
    res.json(messages.flatMap((message) => toWireMessages(message, options)));
  });

  router.get('/messages', async (req, res) => {
    const { conversation_id, include_return_message_types, ...page } = parseQuery(
      MessageListQuery,
      req.query,
    );
    const messages = await listTranscript(db, { conversationId: conversation_id }, page);
    res.json(
      messages.flatMap((message) => toWireMessages(message, { includeTypes: include_return_message_types })),
    );
  });

  router.get('/messages/:messageId', async (req, res) => {
    res.json(toWireMessages(await getMessage(db, req.params.messageId)));
  });

  return router;
}

/** A reader may want the calls by which the agent speaks, or name a tool of its own by which it does. */
function askedSpeaker(query: z.output<typeof AgentMessageListQuery>): SpeakerView {
  if (query.use_assistant_message === false) return null;
  const { assistant_message_tool_name: tool, assistant_message_tool_kwarg: argument } = query;
  if (tool === undefined && argument === undefined) return undefined;
  return { tool: tool ?? 'send_message', argument: argument ?? 'message' };
}
