import { Router } from 'express';
import { requireAgent } from '../../db/agents';
import { findArchiveOf, getArchive } from '../../db/archives/archives';
import type { Queryable } from '../../db/pool';
import type { ApiDeps } from '../deps';
import {
  MODES,
  SearchMessagesBody,
  SearchPassagesBody,
  SearchToolsBody,
  tellMode,
  toWireMessageHit,
  toWirePassageHit,
  toWireToolHit,
} from '../wire/search';
import { parseBody } from '../wire/validation';

/** Search across agents, by words and by vectors where there are any. */
export function searchRoutes({ db, search }: ApiDeps): Router {
  const router = Router();

  router.post('/passages/search', async (req, res) => {
    const body = parseBody(SearchPassagesBody, req.body);
    const found = await search.passages.search({
      mode: 'hybrid',
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

  for (const path of ['/messages/search', '/agents/messages/search']) {
    router.post(path, async (req, res) => {
      const body = parseBody(SearchMessagesBody, req.body);
      const found = await search.messages.search({
        mode: MODES[body.search_mode],
        text: body.query,
        roles: ['user', 'assistant'],
        agentId: body.agent_id ?? null,
        conversationId:
          body.conversation_id === 'default' ? (body.agent_id ?? null) : (body.conversation_id ?? null),
        from: body.start_date ?? null,
        to: body.end_date ?? null,
        limit: body.limit,
      });
      tellMode(res, found);
      res.json(found.hits.map(toWireMessageHit));
    });
  }

  router.post('/tools/search', async (req, res) => {
    const body = parseBody(SearchToolsBody, req.body);
    const found = await search.tools.search({
      mode: MODES[body.search_mode],
      text: body.query ?? null,
      types: body.tool_types ?? [],
      tags: body.tags ?? [],
      limit: body.limit,
    });
    tellMode(res, found);
    res.json(found.hits.map(toWireToolHit));
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
