import { Router } from 'express';
import { z } from 'zod';
import {
  contextMessageIds,
  deleteConversation,
  findActiveRun,
  findCancellableRuns,
  findRunByOtid,
  getConversation,
  listConversations,
} from '../../db/conversations';
import { requireAgent } from '../../db/agents';
import { listMessages, listTranscript } from '../../db/messages';
import type { Queryable } from '../../db/pool';
import { getRun, type Run } from '../../db/runs';
import { AppError } from '../../domain/errors';
import { cancelRuns } from '../cancel-runs';
import { changeConversation, createConversation } from '../create-conversation';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { previewRequest } from '../preview-request';
import { resumeStream } from '../resume-stream';
import { lastEventId } from '../run-stream';
import { sendMessage } from '../send-turn';
import { checkThreadNames, threadOf } from '../threads';
import {
  AgentOfBody,
  AgentOfThread,
  ConversationListQuery,
  ConversationMessagesQuery,
  ConversationStreamBody,
  CreateConversationBody,
  toWireConversation,
  UpdateConversationBody,
} from '../wire/conversation';
import { toWireMessages } from '../wire/message';
import { SendMessageBody } from '../wire/turn-request';
import { parseBody, parseQuery } from '../wire/validation';

const OwnerQuery = z.object({ agent_id: z.string() });

/** Conversations: further threads of an agent that share its memory, and sending messages to them. */
export function conversationRoutes(deps: ApiDeps): Router {
  const { db } = deps;
  const router = Router();
  checkPathIds(router, { conversationId: 'conv' });

  router.post('/conversations', async (req, res) => {
    const { agent_id: agentId } = parseQuery(OwnerQuery, req.query);
    const body = parseBody(CreateConversationBody, req.body ?? {});
    res.json(toWireConversation(await createConversation(deps, agentId, body)));
  });

  router.get('/conversations', async (req, res) => {
    const { agent_id, summary_search, order_by, ...page } = parseQuery(ConversationListQuery, req.query);
    const filter = { agentId: agent_id, summarySearch: summary_search };
    const conversations = await listConversations(db, filter, { ...page, sort: order_by ?? 'created_at' });
    res.json(conversations.map((conversation) => toWireConversation(conversation)));
  });

  router.get('/conversations/:conversationId', async (req, res) => {
    res.json(await shown(db, req.params.conversationId));
  });

  router.patch('/conversations/:conversationId', async (req, res) => {
    const { conversationId } = req.params;
    const body = parseBody(UpdateConversationBody, req.body);
    await changeConversation(deps, conversationId, body);
    res.json(await shown(db, conversationId));
  });

  router.delete('/conversations/:conversationId', async (req, res) => {
    await deleteConversation(db, req.params.conversationId);
    res.json(null);
  });

  addThreadRoutes(router, deps);
  return router;
}

const shown = async (db: Queryable, id: string) =>
  toWireConversation(await getConversation(db, id), await contextMessageIds(db, id));

/** What is done in a thread. Here an agent's own thread has a name too: `default`, or the agent's id. */
function addThreadRoutes(router: Router, deps: ApiDeps): void {
  const { db } = deps;
  checkThreadNames(router);

  router.get('/conversations/:threadId/messages', async (req, res) => {
    const query = parseQuery(ConversationMessagesQuery, req.query);
    const { agent_id: owner, include_return_message_types: includeTypes, ...page } = query;
    const thread = await threadOf(db, req.params.threadId, owner);
    const isOwnThread = thread.conversationId === thread.agentId;
    if (isOwnThread) await requireAgent(db, thread.agentId);
    // The original cuts an agent's own thread as the agent's list does, and lists others newest first.
    const messages = await (isOwnThread ? listTranscript : listMessages)(db, thread, page);
    res.json(messages.flatMap((message) => toWireMessages(message, { includeTypes })));
  });

  router.post('/conversations/:threadId/messages', async (req, res) => {
    const { agent_id: owner } = parseBody(AgentOfBody, req.body);
    const body = parseBody(SendMessageBody, withDefaults(req.body));
    const thread = await threadOf(db, req.params.threadId, owner);
    const runType = 'send_conversation_message';
    await sendMessage(
      deps,
      { req, res },
      { thread, kind: 'conversation', runType, whenBusy: 'reject', body },
    );
  });

  router.post('/conversations/:threadId/messages/preview-raw-payload', async (req, res) => {
    const { agent_id: owner } = parseBody(AgentOfBody, req.body);
    const body = parseBody(SendMessageBody, withDefaults(req.body));
    res.json(await previewRequest(deps, await threadOf(db, req.params.threadId, owner), body));
  });

  router.post('/conversations/:threadId/stream', async (req, res) => {
    const body = parseBody(ConversationStreamBody, req.body ?? {});
    const thread = await threadOf(db, req.params.threadId, body.agent_id);
    const run = await chosenRun(db, thread.conversationId, body);
    const includePings = body.include_pings ?? true;
    const seen = lastEventId(req);
    await resumeStream(deps, res, run, {
      startingAfter: seen ?? body.starting_after,
      includePings,
      withIds: seen !== null,
    });
  });

  router.post('/conversations/:threadId/cancel', async (req, res) => {
    const { threadId } = req.params;
    const owner = parseQuery(AgentOfThread, req.query).agent_id;
    const { agentId, conversationId } = await threadOf(db, threadId, owner);
    const runIds = await findCancellableRuns(db, conversationId);
    const stopped = await cancelRuns(deps, agentId, runIds);
    if (stopped.length === 0) {
      throw new AppError('CONFLICT', `CONFLICT: No active runs to cancel for conversation ${threadId}`);
    }
    res.json(Object.fromEntries(stopped.map(({ runId }) => [runId, 'cancelled'])));
  });
}

// A conversation streams unless it is told not to.
const DEFAULTS = { streaming: true };
const withDefaults = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...DEFAULTS, ...body } : body;

/** The run that a reader means: by its id, by the otid of a message, else the one that was sent last and is not over. */
async function chosenRun(
  db: Queryable,
  conversationId: string,
  asked: z.output<typeof ConversationStreamBody>,
): Promise<Run> {
  if (asked.run_id) {
    const run = await getRun(db, asked.run_id);
    if (run.conversationId === conversationId) return run;
    throw new AppError('NOT_FOUND', `Run not found with id='${run.id}' in this conversation`);
  }
  if (asked.otid) {
    const found = await findRunByOtid(db, conversationId, asked.otid);
    if (found !== null) return getRun(db, found);
    throw new AppError('NOT_FOUND', `No run found for otid=${asked.otid} in this conversation.`);
  }
  const id = await findActiveRun(db, conversationId);
  if (id !== null) return getRun(db, id);
  throw new AppError('INVALID_ARGUMENT', 'INVALID_ARGUMENT: No active runs found for this conversation.');
}
