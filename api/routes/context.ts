import { Router, type RequestHandler } from 'express';
import { z } from 'zod';
import { getConversation } from '../../db/conversations';
import { toolsOf } from '../../db/agent-attachments';
import { insertSeedMessages } from '../../db/agent-threads';
import { getAgent, requireAgent } from '../../db/agents';
import { inTransaction, type Queryable } from '../../db/pool';
import { resetThread } from '../../db/reset-thread';
import { AppError } from '../../domain/errors';
import { loadAgentState } from '../agent-state';
import { compactThread } from '../compact-thread';
import { contextOverview } from '../context-overview';
import type { ApiDeps } from '../deps';
import { forkConversation } from '../fork-conversation';
import { checkPathIds } from '../middleware/path-ids';
import { isLegacyClient } from '../middleware/sdk-version';
import { defaultMessages } from '../system-message';
import { recompileThread } from '../recompile-thread';
import { checkThreadNames, threadOf, type Thread } from '../threads';
import { IncludeQuery, requestedRelations, toWireAgent } from '../wire/agent';
import { CompactBody } from '../wire/compaction';
import { AgentOfBody, ForkQuery, toWireConversation } from '../wire/conversation';
import { withoutNulls } from '../wire/fields';
import { queryFlag, queryText } from '../wire/query';
import { parseBody, parseQuery } from '../wire/validation';

const RecompileQuery = z.object({ dry_run: queryFlag(), update_timestamp: queryFlag() });
const ContextQuery = z.object({ conversation_id: queryText() });
const ResetBody = z.object({ add_default_initial_messages: z.boolean().default(false) });

/** What becomes of contexts: made smaller, compiled anew, emptied, copied, looked at. */
export function contextRoutes(deps: ApiDeps): Router {
  const { db } = deps;
  const router = Router();
  checkPathIds(router, { agentId: 'agent' });
  checkThreadNames(router);

  router.post('/agents/:agentId/summarize', async (req, res) => {
    const { compaction_settings: settings } = parseBody(CompactBody, req.body ?? {});
    const thread = ownThread(req.params.agentId);
    await requireAgent(db, thread.agentId);
    await compactThread(deps, { req, res }, { thread, settings: withoutNulls(settings ?? {}) });
  });

  router.post('/conversations/:threadId/compact', async (req, res) => {
    const { agent_id: owner, compaction_settings: settings } = parseBody(CompactBody, req.body ?? {});
    const thread = await threadOf(db, req.params.threadId, owner);
    await requireAgent(db, thread.agentId);
    await compactThread(deps, { req, res }, { thread, settings: withoutNulls(settings ?? {}) });
  });

  const recompile: RequestHandler<{ agentId: string }> = async (req, res) => {
    const { dry_run: isDry = false } = parseQuery(RecompileQuery, req.query);
    res.json(await recompileThread(db, ownThread(req.params.agentId), { isDry }));
  };
  router.post('/agents/:agentId/recompile', recompile);
  router.post('/agents/:agentId/system-prompt/recompile', recompile);

  router.post('/conversations/:threadId/recompile', async (req, res) => {
    const { dry_run: isDry = false } = parseQuery(RecompileQuery, req.query);
    const { agent_id: owner } = parseBody(AgentOfBody, req.body ?? {});
    const thread = await threadOf(db, req.params.threadId, owner);
    res.json(await recompileThread(db, thread, { isDry }));
  });

  router.patch('/agents/:agentId/reset-messages', async (req, res) => {
    const { agentId } = req.params;
    const { add_default_initial_messages: booted } = parseBody(ResetBody, req.body ?? {});
    const include = requestedRelations(parseQuery(IncludeQuery, req.query), isLegacyClient(req));
    const state = await inTransaction(db, async (tx) => {
      const { agentType } = await getAgent(tx, agentId);
      await resetThread(tx, agentId);
      if (booted) {
        const tools = (await toolsOf(tx, [agentId])).get(agentId) ?? [];
        await insertSeedMessages(tx, ownThread(agentId), defaultMessages(agentType, tools));
      }
      return loadAgentState(tx, agentId, include);
    });
    res.json(toWireAgent(state, include));
  });

  router.post('/conversations/:threadId/fork', async (req, res) => {
    const { agent_id: owner, message_id: messageId, hidden } = parseQuery(ForkQuery, req.query);
    const thread = await threadOf(db, req.params.threadId, owner);
    const id = await forkConversation(db, thread, {
      messageId: messageId ?? null,
      isHidden: hidden ?? false,
    });
    res.json(toWireConversation(await getConversation(db, id)));
  });

  router.get('/agents/:agentId/context', async (req, res) => {
    const { conversation_id: name } = parseQuery(ContextQuery, req.query);
    res.json(await contextOverview(db, await namedThread(db, req.params.agentId, name)));
  });

  return router;
}

const ownThread = (agentId: string): Thread => ({ agentId, conversationId: agentId });

async function namedThread(db: Queryable, agentId: string, name: string | undefined): Promise<Thread> {
  await requireAgent(db, agentId);
  if (name === undefined || name === 'default') return ownThread(agentId);
  const conversation = await getConversation(db, name);
  if (conversation.agentId === agentId) return { agentId, conversationId: name };
  throw new AppError('NOT_FOUND', `Conversation not found with id='${name}' for agent ${agentId}`);
}
