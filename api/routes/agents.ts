import { Router } from 'express';
import { agentNotFound, countAgents, deleteAgent, getAgent, listAgents, listTags } from '../../db/agents';
import { loadAgentState, withRelations } from '../agent-state';
import { createAgent } from '../create-agent';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { isLegacyClient } from '../middleware/sdk-version';
import { changeAgent } from '../update-agent';
import {
  AgentFilterQuery,
  CountInternalAgentsQuery,
  CreateAgentBody,
  fromWireAgentFilter,
  IncludeQuery,
  ListAgentsQuery,
  ListTagsQuery,
  requestedRelations,
  toWireAgent,
  toWireSecrets,
  UpdateAgentBody,
} from '../wire/agent';
import { parseBody, parseQuery } from '../wire/validation';
import { addAgentBlockRoutes } from './agent-blocks';
import { addAgentToolRoutes } from './agent-tools';

/** Agents, the blocks and tools they have, and the tags they carry. */
export function agentRoutes(deps: ApiDeps): Router {
  const { db } = deps;
  const router = Router();
  checkPathIds(router, { agentId: 'agent', blockId: 'block', toolId: 'tool' });

  router.post('/agents', async (req, res) => {
    res.json(toWireAgent(await createAgent(deps, parseBody(CreateAgentBody, req.body))));
  });

  router.get('/agents', async (req, res) => {
    const query = parseQuery(ListAgentsQuery, req.query);
    const include = requestedRelations(query, isLegacyClient(req));
    const agents = await listAgents(db, fromWireAgentFilter(query), {
      ...query,
      order: query.ascending ? 'asc' : query.order,
      sortBy: query.order_by ?? query.sort_by ?? 'created_at',
    });
    res.json((await withRelations(db, agents, include)).map((state) => toWireAgent(state, include)));
  });

  router.get('/agents/count', async (req, res) => {
    res.json(await countAgents(db, fromWireAgentFilter(parseQuery(AgentFilterQuery, req.query))));
  });

  router.get('/_internal_agents/count', async (req, res) => {
    const { exclude_hidden: withoutHidden = true } = parseQuery(CountInternalAgentsQuery, req.query);
    res.json(await countAgents(db, { withoutHidden }));
  });

  router.get('/agents/:agentId', async (req, res) => {
    const include = requestedRelations(parseQuery(IncludeQuery, req.query), isLegacyClient(req));
    res.json(toWireAgent(await loadAgentState(db, req.params.agentId, include), include));
  });

  router.get('/agents/:agentId/secrets', async (req, res) => {
    res.json(toWireSecrets(await getAgent(db, req.params.agentId)));
  });

  router.patch('/agents/:agentId', async (req, res) => {
    const body = parseBody(UpdateAgentBody, req.body);
    res.json(toWireAgent(await changeAgent(deps, req.params.agentId, body)));
  });

  router.delete('/agents/:agentId', async (req, res) => {
    const { agentId } = req.params;
    if (!(await deleteAgent(db, agentId))) throw agentNotFound(agentId);
    res.json({ message: `Agent id=${agentId} successfully deleted` });
  });

  addAgentBlockRoutes(router, deps);
  addAgentToolRoutes(router, deps);

  router.get('/tags', async (req, res) => {
    const { name, query_text: text, ...page } = parseQuery(ListTagsQuery, req.query);
    res.json(await listTags(db, { ...page, search: name ?? text }));
  });

  return router;
}
