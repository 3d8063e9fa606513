import { Router } from 'express';
import { z } from 'zod';
import { requireAgent } from '../../db/agents';
import { getMessage, listTranscript } from '../../db/messages';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { toWireMessages } from '../wire/message';
import { pageFields } from '../wire/page';
import { queryList, queryText } from '../wire/query';
import { parseQuery } from '../wire/validation';

const MessageListQuery = z.object({
  ...pageFields({ limit: 100, order: 'desc' }),
  conversation_id: queryText(),
  include_return_message_types: queryList(),
});

/** Reads of stored messages. One stored message may be several items of a list; `limit` counts the stored ones. */
export function messageListRoutes({ db }: Pick<ApiDeps, 'db'>): Router {
  const router = Router();
  checkPathIds(router, { agentId: 'agent', messageId: 'message' });

  router.get('/agents/:agentId/messages', async (req, res) => {
    const { conversation_id, include_return_message_types, ...page } = parseQuery(
      MessageListQuery,
      req.query,
    );
    const { agentId } = req.params;
    await requireAgent(db, agentId);
    const conversationId = conversation_id === 'default' ? agentId : conversation_id;
    const messages = await listTranscript(db, { agentId, conversationId }, page);
    res.json(
      messages.flatMap((message) => toWireMessages(message, { includeTypes: include_return_message_types })),
    );
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
