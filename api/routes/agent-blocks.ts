import type { Router } from 'express';
import { attachBlock, detachBlock, getBlockOf, listBlocksOf } from '../../db/agent-attachments';
import { getAgent, requireAgent, updateAgent } from '../../db/agents';
import { getBlock } from '../../db/blocks';
import { inTransaction } from '../../db/pool';
import { AppError } from '../../domain/errors';
import { loadAgentState } from '../agent-state';
import type { ApiDeps } from '../deps';
import { isLegacyClient } from '../middleware/sdk-version';
import { changeBlock } from '../update-block';
import { toWireAgent, toWireMemory } from '../wire/agent';
import { fromWireBlockUpdate, ListBlocksOfAgentQuery, toWireBlock, UpdateBlockBody } from '../wire/block';
import { parseBody, parseQuery } from '../wire/validation';

/** The blocks of an agent. A model learns of changes made here before its next step. */
export function addAgentBlockRoutes(router: Router, { db }: ApiDeps): void {
  router.get('/agents/:agentId/core-memory', async (req, res) => {
    const { agent, blocks } = await loadAgentState(db, req.params.agentId);
    res.json(toWireMemory(agent, blocks.map(toWireBlock)));
  });

  router.get('/agents/:agentId/core-memory/blocks', async (req, res) => {
    const page = parseQuery(ListBlocksOfAgentQuery, req.query);
    await requireAgent(db, req.params.agentId);
    res.json((await listBlocksOf(db, req.params.agentId, page)).map(toWireBlock));
  });

  router.get('/agents/:agentId/core-memory/blocks/:label', async (req, res) => {
    const { agentId, label } = req.params;
    await requireAgent(db, agentId);
    res.json(toWireBlock(await getBlockOf(db, { agentId, label })));
  });

  router.patch('/agents/:agentId/core-memory/blocks/:label', async (req, res) => {
    const { agentId, label } = req.params;
    const patch = fromWireBlockUpdate(parseBody(UpdateBlockBody, req.body));
    await requireAgent(db, agentId);
    res.json(
      toWireBlock(await changeBlock(db, (tx) => getBlockOf(tx, { agentId, label, lock: true }), patch)),
    );
  });

  router.patch('/agents/:agentId/core-memory/blocks/attach/:blockId', async (req, res) => {
    const { agentId, blockId } = req.params;
    const state = await inTransaction(db, async (tx) => {
      await getAgent(tx, agentId);
      await attachBlock(tx, agentId, await getBlock(tx, blockId));
      await updateAgent(tx, agentId, {});
      return isLegacyClient(req) ? loadAgentState(tx, agentId) : null;
    });
    res.json(state && toWireAgent(state));
  });

  router.patch('/agents/:agentId/core-memory/blocks/detach/:blockId', async (req, res) => {
    const { agentId, blockId } = req.params;
    const state = await inTransaction(db, async (tx) => {
      await requireAgent(tx, agentId);
      if (!(await detachBlock(tx, agentId, blockId))) throw notAttached(agentId, blockId);
      await updateAgent(tx, agentId, {});
      return isLegacyClient(req) ? loadAgentState(tx, agentId) : null;
    });
    res.json(state && toWireAgent(state));
  });
}

const notAttached = (agentId: string, blockId: string): AppError =>
  new AppError('NOT_FOUND', `No block with id '${blockId}' found for agent '${agentId}'`);
