import type { Request } from 'express';
import type { Queryable } from '../db/pool';
import { findToolRunOutcome, getToolRunOutcome, mintCallOnce, mintTrial } from '../db/tool-runs';
import type { ToolEffects, ToolOutcome } from '../domain/tool';
import type { ToolArguments } from '../domain/tool-arguments';
import { trialEffects, type TriedTool } from '../domain/tool-run';
import { newId } from '../new-id';
import type { ApiDeps } from './deps';
import { requestIdentity } from './request-identity';

type Deps = Pick<ApiDeps, 'db' | 'turns'>;

/**
 * Lets a worker run a tool that a client calls by hand; resolves with what it came to. A request that is sent again joins the
 * call of its first sending: an SDK's retry by its body, within an hour, and any by its `Idempotency-Key`.
 */
export async function runByHand(
  { db, turns }: Deps,
  req: Request,
  {
    effects,
    mint,
  }: { readonly effects: ToolEffects; readonly mint: (tx: Queryable, id: string) => Promise<void> },
): Promise<{ readonly id: string; readonly outcome: ToolOutcome }> {
  const { key, hash, isResent } = requestIdentity(req, { kind: 'tool', place: req.path });
  const fresh = newId('job');
  const id = await mintCallOnce(
    db,
    { hash: key === null ? hash : `${key}\n${hash}`, joins: key !== null || isResent },
    { id: fresh, mint: (tx) => mint(tx, fresh) },
  );
  const known = id === fresh ? null : await findToolRunOutcome(db, id);
  if (known) return { id, outcome: known };
  await turns.runTool({ id, effects });
  return { id, outcome: await getToolRunOutcome(db, id) };
}

/** The same for a tool without an agent: a source that is tried, or a tool of an MCP server. */
export const runTrial = (
  deps: Deps,
  req: Request,
  {
    tool,
    args,
    env = {},
  }: {
    readonly tool: TriedTool;
    readonly args: ToolArguments;
    readonly env?: Readonly<Record<string, string>>;
  },
): ReturnType<typeof runByHand> =>
  runByHand(deps, req, {
    effects: trialEffects(tool),
    mint: (tx, id) => mintTrial(tx, { id, tool, args, env }),
  });
