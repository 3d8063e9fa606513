import { Router } from 'express';
import { z } from 'zod';
import { getConversation } from '../../db/conversations';
import { AppError } from '../../domain/errors';
import { exportAgent } from '../agent-file/export-agent';
import { importAgents } from '../agent-file/import-agents';
import { readAgentFile, readImport } from '../agent-file/upload';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { queryFlag, queryText } from '../wire/query';
import type { Thread } from '../threads';
import { parseBody, parseQuery } from '../wire/validation';

const ExportQuery = z.object({
  conversation_id: queryText(),
  scrub_messages: queryFlag(),
  use_legacy_format: queryFlag(),
});

const ExportBody = z.object({
  conversation_id: z.string().nullish(),
  scrub_messages: z.boolean().nullish(),
  skills: z
    .array(z.looseObject({ name: z.string(), files: z.record(z.string(), z.string()).nullish() }))
    .nullish(),
});

/** Agents as files (`.af`): written, and read back as new agents. */
export function agentFileRoutes(deps: ApiDeps): Router {
  const { db } = deps;
  const router = Router();
  checkPathIds(router, { agentId: 'agent' });

  router.get('/agents/:agentId/export', async (req, res) => {
    const { agentId } = req.params;
    const query = parseQuery(ExportQuery, req.query);
    if (query.use_legacy_format) {
      throw new AppError(
        'INVALID_ARGUMENT',
        'INVALID_ARGUMENT: The legacy format of agent files is not written by this server. Leave `use_legacy_format` out.',
      );
    }
    const thread = await threadOf(agentId, query.conversation_id);
    const withMessages = query.scrub_messages !== true;
    res.json(await exportAgent(db, thread, { withMessages, at: new Date() }));
  });

  /** The same, with skills that the client puts into the file. */
  router.post('/agents/:agentId/export', async (req, res) => {
    const body = parseBody(ExportBody, req.body ?? {});
    const thread = await threadOf(req.params.agentId, body.conversation_id);
    const withMessages = body.scrub_messages !== true;
    res.json(await exportAgent(db, thread, { withMessages, at: new Date(), skills: body.skills ?? [] }));
  });

  router.post('/agents/import', readAgentFile, async (req, res) => {
    const { file, options } = readImport(req.body, req.file?.buffer);
    const headerModel = req.get('x-override-embedding-model');
    const embedding = options.embedding ?? options.override_embedding_handle ?? headerModel ?? null;
    const projectId = req.get('x-project-id') ?? options.project_id ?? null;
    const { agentIds, leftOut } = await importAgents(deps, file, {
      ...options,
      embedding,
      project_id: projectId,
    });
    // Our own, and only where there is something to say: what the agents lack of their file.
    res.json({ agent_ids: agentIds, ...(leftOut.length > 0 && { left_out: leftOut }) });
  });

  async function threadOf(agentId: string, wanted: string | null | undefined): Promise<Thread> {
    const conversationId = wanted ?? agentId;
    const owner = conversationId === agentId ? agentId : (await getConversation(db, conversationId)).agentId;
    if (owner !== agentId)
      throw new AppError('NOT_FOUND', `Conversation not found with id='${conversationId}'`);
    return { agentId, conversationId };
  }

  return router;
}
