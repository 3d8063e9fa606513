import { Router } from 'express';
import { requireAgent } from '../../db/agents';
import { findArchiveOf, getArchive } from '../../db/archives/archives';
import type { Queryable } from '../../db/pool';
import { searchMessages } from '../../db/search-messages';
import { searchTools } from '../../db/search-tools';
import type { ApiDeps } from '../deps';
import {
  BY_WORDS,
  SearchMessagesBody,
  SearchPassagesBody,
  SearchToolsBody,
  tellMode,
  toWireMessageHit,
  toWirePassageHit,
  toWireToolHit,
} from '../wire/search';
import { parseBody } from '../wire/validation';

/** Search across agents: passages by words and vectors, messages and tools by words. */
export function searchRoutes({ db, archives }: ApiDeps): Router {
  const router = Router();

  router.post('/passages/search', async (req, res) => {
    const body = parseBody(SearchPassagesBody, req.body);
    const found = await archives.search.search({
      archiveIds: await archivesOf(db, body),
      text: body.query ?? null,
      tags: body.tags ?? [],
      tagMatch: body.tag_match_mode,
      from: body.start_date ?? null,
      to: body.end_date ?? null,
      limit: body.limit,
    });
    tellMode(res, found);
    res.json(found.hits.map(toWirePassageHit));
  });

  router.post('/messages/search', async (req, res) => {
    const body = parseBody(SearchMessagesBody, req.body);
    const found = await searchMessages(db, {
      text: body.query,
      roles: ['user', 'assistant'],
      agentId: body.agent_id ?? null,
      conversationId:
        body.conversation_id === 'default' ? (body.agent_id ?? null) : (body.conversation_id ?? null),
      from: body.start_date ?? null,
      to: body.end_date ?? null,
      limit: body.limit,
    });
    tellMode(res, BY_WORDS);
    res.json(found.map(toWireMessageHit));
  });

  router.post('/tools/search', async (req, res) => {
    const body = parseBody(SearchToolsBody, req.body);
    const found = await searchTools(db, {
      text: body.query ?? null,
      types: body.tool_types ?? [],
      tags: body.tags ?? [],
      limit: body.limit,
    });
    tellMode(res, BY_WORDS);
    res.json(found.map(toWireToolHit));
  });

  return router;
}

/** The archives that a search is narrowed to; null means all. An agent counts before an archive. */
async function archivesOf(
  db: Queryable,
  {
    agent_id: agentId,
    archive_id: archiveId,
  }: { readonly agent_id?: string | null | undefined; readonly archive_id?: string | null | undefined },
): Promise<readonly string[] | null> {
  if (agentId) {
    await requireAgent(db, agentId);
    const archive = await findArchiveOf(db, agentId);
    return archive ? [archive.id] : [];
  }
  if (!archiveId) return null;
  return [(await getArchive(db, archiveId)).id];
}
