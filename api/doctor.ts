import { requireAgent, getAgent } from '../db/agents';
import { closeWithoutTools, examineApprovals, setAnswerAside } from '../db/doctor/approvals';
import { examineEffects } from '../db/doctor/effects';
import { examineMemory, findThreadsWithoutSystem, putSystemMessageFirst } from '../db/doctor/memory';
import { closeReached, closeStep, examineSteps, findSilentRuns, type SilentRun } from '../db/doctor/runs';
import { examineThreads, repairThread } from '../db/doctor/threads';
import { blocksOf } from '../db/agent-attachments';
import { inTransaction, type Pool } from '../db/pool';
import { rebuildSystemMessages, storesOf } from '../db/system-messages';
import { finding, isSameFinding, type Finding, type FindingCode } from '../domain/doctor';
import type { ApiDeps } from './deps';
import { firstSystemMessage } from './system-message';

type Deps = Pick<ApiDeps, 'db' | 'turns' | 'log'>;

/** What was found about an agent, and of each finding whether this call has repaired it. */
export interface Examination {
  readonly agentId: string;
  readonly findings: readonly (Finding & { readonly isRepaired: boolean })[];
}

/** Looks for everything that is not as turns leave it, and changes nothing. `NOT_FOUND` without the agent. */
export async function examineAgent(deps: Deps, agentId: string): Promise<Examination> {
  const findings = await examine(deps, agentId);
  return { agentId, findings: findings.map((each) => ({ ...each, isRepaired: false })) };
}

/**
 * Repairs what can be repaired and looks again: a finding is repaired when it is gone. Every repair looks once more behind
 * the locks that turns take, so one may be in progress meanwhile, and a repeat changes nothing.
 */
export async function repairAgent(deps: Deps, agentId: string): Promise<Examination> {
  const before = await examine(deps, agentId);
  for (const repair of repairsOf(before)) await repair(deps, agentId);
  const after = before.length === 0 ? [] : await examine(deps, agentId);
  const isLeft = (found: Finding) => after.some((each) => isSameFinding(each, found));
  const fresh = after.filter((each) => !before.some((found) => isSameFinding(each, found)));
  const findings = [
    ...before.map((each) => ({ ...each, isRepaired: !isLeft(each) })),
    ...fresh.map((each) => ({ ...each, isRepaired: false })),
  ];
  deps.log.info(
    { agentId, repaired: findings.filter(({ isRepaired }) => isRepaired).length },
    'repaired an agent',
  );
  return { agentId, findings };
}

async function examine({ db, turns }: Deps, agentId: string): Promise<readonly Finding[]> {
  await requireAgent(db, agentId);
  const stuck = await findStuckRuns({ db, turns }, agentId);
  return [
    ...(await examineThreads(db, agentId)),
    ...(await examineApprovals(db, agentId)),
    ...stuck.map(toFinding),
    ...(await examineSteps(db, agentId)),
    ...(await examineMemory(db, agentId)),
    ...(await examineEffects(db, agentId)),
  ];
}

/** Runs without life that no workflow holds. */
async function findStuckRuns(
  { db, turns }: Pick<Deps, 'db' | 'turns'>,
  agentId: string,
): Promise<readonly SilentRun[]> {
  const stuck: SilentRun[] = [];
  for (const run of await findSilentRuns(db, agentId)) {
    if (run.isJoined || !(await turns.isHeld(run.turn.conversationId))) stuck.push(run);
  }
  return stuck;
}

function toFinding({ turn: { runId, conversationId }, silentSeconds, reached }: SilentRun): Finding {
  const place = { conversationId, runId };
  const facts = { silent_seconds: silentSeconds };
  return reached === null
    ? finding('stuck_run', place, `The run is not over, shows no life since ${silentSeconds} seconds, and no workflow holds it.`, facts) // prettier-ignore
    : finding('run_that_cannot_go_on', place, `The run counts as unfinished although its turn has ended (${reached}).`, facts); // prettier-ignore
}

type Repair = (deps: Deps, agentId: string) => Promise<void>;

/** The repairs that the findings call for, each place once, in an order in which none undoes another. */
function repairsOf(findings: readonly Finding[]): readonly Repair[] {
  const of = (...codes: FindingCode[]) => findings.filter(({ code }) => codes.includes(code));
  const each = (found: readonly Finding[], place: 'conversationId' | 'messageId' | 'stepId') => [
    ...new Set(found.flatMap((one) => one[place] ?? [])),
  ];
  const threads = of(
    'orphaned_tool_call',
    'orphaned_tool_return',
    'abandoned_tool_call',
    'orphaned_approval_request',
  );
  return [
    ...each(of('step_of_finished_run'), 'stepId').map(
      (id): Repair =>
        ({ db }) =>
          closeStep(db, id),
    ),
    ...each(of('approval_without_tool'), 'conversationId').map(
      (id): Repair =>
        ({ db }) =>
          closeWithoutTools(db, id),
    ),
    ...each(of('orphaned_approval_answer'), 'messageId').map(
      (id): Repair =>
        ({ db }) =>
          setAnswerAside(db, id),
    ),
    ...each(threads, 'conversationId').map(
      (id): Repair =>
        ({ db }) =>
          repairThread(db, id),
    ),
    ...(of('missing_system_message').length > 0 ? [insertSystemMessages] : []),
    ...(of('missing_block').length > 0 ? [recompile] : []),
    // Last: the turns that go on read what was repaired.
    ...(of('stuck_run', 'run_that_cannot_go_on').length > 0 ? [restartRuns] : []),
  ];
}

async function restartRuns(deps: Deps, agentId: string): Promise<void> {
  for (const run of await findStuckRuns(deps, agentId)) {
    const turn = run.reached === null ? run.turn : await closeReached(deps.db, run);
    if (turn) await deps.turns.startIfIdle(turn);
  }
}

const recompile: Repair = ({ db }, agentId) =>
  inTransaction(db, async (client) =>
    rebuildSystemMessages(client, await getAgent(client, agentId), new Date()),
  );

const insertSystemMessages: Repair = ({ db }, agentId) => insertMissing(db, agentId);

function insertMissing(pool: Pool, agentId: string): Promise<void> {
  return inTransaction(pool, async (db) => {
    const agent = await getAgent(db, agentId);
    const blocks = (await blocksOf(db, [agentId])).get(agentId) ?? [];
    const stores = await storesOf(db, agentId);
    for (const conversationId of await findThreadsWithoutSystem(db, agentId)) {
      const message = firstSystemMessage(agent, blocks, { conversationId, ...stores });
      await putSystemMessageFirst(db, { agentId, conversationId, message, blocks });
    }
  });
}
