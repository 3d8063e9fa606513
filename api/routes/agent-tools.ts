import type { Request, Router } from 'express';
import {
  attachTools,
  detachTool,
  listToolsOf,
  setToolApproval,
  setToolExpiry,
  setToolEffects,
  toolNotAttached,
} from '../../db/agent-attachments';
import { lockAgent, requireAgent, updateAgent } from '../../db/agents';
import { inTransaction, type Queryable } from '../../db/pool';
import { effectsOfTool, mintToolRun } from '../../db/tool-runs';
import { getTool } from '../../db/tools';
import { isJsonObject } from '../../domain/agent';
import type { ToolRule } from '../../domain/tool-rules';
import { loadAgentState } from '../agent-state';
import type { ApiDeps } from '../deps';
import { isLegacyClient } from '../middleware/sdk-version';
import { runByHand } from '../run-by-hand';
import { toWireAgent } from '../wire/agent';
import { fromWireExpiry } from '../wire/approval';
import {
  RunToolBody,
  ToolApprovalBody,
  ToolApprovalQuery,
  ToolEffectsBody,
  toWireTool,
  toWireAgentToolResult,
} from '../wire/tool';
import { ListToolsOfAgentQuery } from '../wire/tool-filter';
import { parseBody, parseQuery } from '../wire/validation';

/** The tools of an agent. */
export function addAgentToolRoutes(router: Router, { db, turns }: ApiDeps): void {
  router.get('/agents/:agentId/tools', async (req, res) => {
    const page = parseQuery(ListToolsOfAgentQuery, req.query);
    await requireAgent(db, req.params.agentId);
    res.json((await listToolsOf(db, req.params.agentId, page)).map(toWireTool));
  });

  router.patch('/agents/:agentId/tools/attach/:toolId', async (req, res) => {
    const { agentId, toolId } = req.params;
    const answer = await changeTools(req, agentId, async (tx) => {
      const tool = await getTool(tx, toolId);
      await attachTools(tx, agentId, [tool.id]);
    });
    res.json(answer);
  });

  /** Detaching a tool that the agent does not have changes nothing. */
  router.patch('/agents/:agentId/tools/detach/:toolId', async (req, res) => {
    const { agentId, toolId } = req.params;
    const answer = await changeTools(req, agentId, async (tx) => {
      const tool = await getTool(tx, toolId);
      await detachTool(tx, agentId, tool.id);
    });
    res.json(answer);
  });

  router.patch('/agents/:agentId/tools/approval/:toolName', async (req, res) => {
    const { agentId, toolName } = req.params;
    // Older clients name it in the query; where both do, the body counts.
    const { requires_approval: inQuery } = parseQuery(ToolApprovalQuery, req.query);
    const body: unknown =
      isJsonObject(req.body) && Object.keys(req.body).length > 0 ? req.body : { requires_approval: inQuery };
    const { requires_approval: requiresApproval, approval_expiry: expiry } = parseBody(
      ToolApprovalBody,
      body,
    );
    const answer = await changeTools(req, agentId, async (tx) => {
      await setToolApproval(tx, { agentId, toolName, requiresApproval });
      await setApprovalRule(tx, { agentId, toolName, requiresApproval });
      if (expiry) await setToolExpiry(tx, { agentId, toolName, expiry: fromWireExpiry(expiry) });
    });
    res.json(answer);
  });

  /** Our own: what this agent's calls of the tool may do, where it differs from what the tool says of itself. */
  router.patch('/agents/:agentId/tools/effects/:toolName', async (req, res) => {
    const { agentId, toolName } = req.params;
    const { effects } = parseBody(ToolEffectsBody, req.body);
    const answer = await changeTools(req, agentId, (tx) =>
      setToolEffects(tx, { agentId, toolName, effects }),
    );
    res.json(answer);
  });

  addToolRunRoute(router, { db, turns });

  /** Changes an agent's tools in one transaction. The answer is the agent for older clients, null for others. */
  async function changeTools(req: Request, agentId: string, change: (tx: Queryable) => Promise<void>) {
    const state = await inTransaction(db, async (tx) => {
      await requireAgent(tx, agentId);
      await change(tx);
      await updateAgent(tx, agentId, {});
      return isLegacyClient(req) ? loadAgentState(tx, agentId) : null;
    });
    return state && toWireAgent(state);
  }
}

function addToolRunRoute(router: Router, { db, turns }: Pick<ApiDeps, 'db' | 'turns'>): void {
  router.post('/agents/:agentId/tools/:toolName/run', async (req, res) => {
    const { agentId, toolName } = req.params;
    const { args } = parseBody(RunToolBody, req.body ?? {});
    await requireAgent(db, agentId);
    const effects = await effectsOfTool(db, agentId, toolName);
    if (effects === null) throw toolNotAttached({ agentId, toolName });
    const { outcome } = await runByHand({ db, turns }, req, {
      effects,
      mint: (tx, id) => mintToolRun(tx, { id, agentId, toolName, args: args ?? {} }),
    });
    res.json(toWireAgentToolResult(outcome));
  });
}

// Clients read in the rules of an agent which of its calls wait, and an exported agent takes them along.
async function setApprovalRule(
  tx: Queryable,
  to: { readonly agentId: string; readonly toolName: string; readonly requiresApproval: boolean },
): Promise<void> {
  const { toolRules } = await lockAgent(tx, to.agentId);
  const rule: ToolRule = { type: 'requires_approval', tool_name: to.toolName, prompt_template: null };
  const others = toolRules.filter(
    ({ type, tool_name }) => type !== rule.type || tool_name !== rule.tool_name,
  );
  if (to.requiresApproval === others.length < toolRules.length) return;
  await updateAgent(tx, to.agentId, { toolRules: to.requiresApproval ? [...toolRules, rule] : others });
}
