import { Client, Connection } from '@temporalio/client';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { turnWorkflowId } from '../domain/turn';
import { applyLoad, type Quantiles, quantilesOf } from './load';
import { measureMemoryRounds, type MemoryRounds } from './server-memory';
import { measureReactions, type Reactions } from './reactions';
import { measureSpans, type Spans } from './spans';
import type { BenchStack } from './stack';
import { measureToolLoad, type ToolLoad } from './tool-load';
import { timeToolCalls, type ToolTiming } from './tool-calls';
import type { Shape } from './cells';
import {
  agentFor,
  createAgent,
  createAgents,
  firstEventMs,
  manyToolsMessage,
  messageFor,
  takeTurn,
} from './turns';

/** What one turn costs in things that can be counted. */
export interface TurnCost {
  readonly shape: Shape;
  readonly statements: number;
  readonly transactions: number;
  readonly activities: number;
  readonly historyEvents: number;
  readonly historyBytes: number;
}
export interface Singles {
  readonly fiftyToolsMs: readonly number[];
  readonly toolCalls: readonly ToolTiming[];
  readonly toolLoad: ToolLoad;
  readonly firstEvent: Quantiles;
  readonly reactions: Reactions;
  readonly costs: readonly TurnCost[];
  readonly spans: Spans;
  /** Rounds of 512 turns at 256 callers; null when there was no time for it. */
  readonly memory: MemoryRounds | null;
}

/** Everything that is measured once, one caller at a time, and memory under 256. */
export async function measureSingles(
  stack: BenchStack,
  { isQuick, progress }: { readonly isQuick: boolean; readonly progress: (line: string) => void },
): Promise<Singles> {
  progress('50-tool turns');
  const fiftyToolsMs = await timeFiftyTools(stack);
  progress('first streamed events');
  const firstEvent = await timeFirstEvents(stack);
  progress('cancels and approvals');
  const reactions = await measureReactions(stack);
  progress('calls of tools');
  const toolCalls = await timeToolCalls(stack.mcp);
  const toolLoad = await measureToolLoad(stack, progress);
  progress('costs of a turn');
  const costs = [await countCost(stack, 'one-step'), await countCost(stack, 'two-tools')];
  progress('spans of a turn');
  const spans = await measureSpans(stack);
  const memory = isQuick ? null : await measureMemory(stack, progress);
  return { fiftyToolsMs, toolCalls, toolLoad, firstEvent, reactions, costs, spans, memory };
}

async function timeFiftyTools(stack: BenchStack): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const agentId = await createAgent(stack.api);
    const startedAt = performance.now();
    await takeTurn(stack.api, agentId, manyToolsMessage(50));
    times.push(performance.now() - startedAt);
  }
  return times;
}

async function timeFirstEvents({ api }: BenchStack) {
  const [agents] = await createAgents(api, 1, 60);
  const times: number[] = [];
  for (let turn = 0; turn < 60; turn++) {
    times.push(await firstEventMs(api, agentFor([agents ?? []], 0, turn), 'SAY Hello, Ada.'));
  }
  return quantilesOf(times);
}

const COUNTED = 10;

/** Counts statements in Postgres' own log, and events in Temporal's histories, over a few quiet turns. */
async function countCost(stack: BenchStack, shape: Shape): Promise<TurnCost> {
  const { api, db, home } = stack;
  const agentId = await createAgent(api);
  const input = messageFor({ shape, modelMs: 0 });
  const log = path.join(home, 'postgres.log');
  const transactions = async () => {
    const { rows } = await db.query<{ n: number }>(
      `select xact_commit as n from pg_stat_database where datname = current_database()`,
    );
    return rows[0]?.n ?? 0;
  };
  const client = new Client({ connection: await Connection.connect({ address: stack.temporalAddress }) });
  let [activities, historyEvents, historyBytes] = [0, 0, 0];
  await settleStatistics();
  const transactionsBefore = await transactions();
  await db.query(`alter system set log_statement = 'all'`);
  await db.query(`select pg_reload_conf()`);
  await sleep(200); // Postgres' processes read their settings when they next wake.
  const logBefore = fs.statSync(log).size;
  for (let turn = 0; turn < COUNTED; turn++) {
    await takeTurn(api, agentId, input);
    const handle = client.workflow.getHandle(turnWorkflowId(agentId));
    await handle.result();
    const { events } = await handle.fetchHistory();
    activities += events?.filter((event) => event.activityTaskScheduledEventAttributes).length ?? 0;
    const { historyLength, historySize } = await handle.describe();
    historyEvents += historyLength;
    historyBytes += historySize ?? 0;
  }
  const logged = fs.readFileSync(log, 'utf8').slice(logBefore);
  await db.query(`alter system reset log_statement`);
  await db.query(`select pg_reload_conf()`);
  await settleStatistics();
  const committed = (await transactions()) - transactionsBefore;
  await client.connection.close();
  const statements = logged.match(/LOG: {2}(execute|statement)/g)?.length ?? 0;
  return {
    shape,
    statements: statements / COUNTED,
    transactions: committed / COUNTED,
    activities: activities / COUNTED,
    historyEvents: historyEvents / COUNTED,
    historyBytes: historyBytes / COUNTED,
  };
}

/** Postgres' processes report their counts at most once a second. */
const settleStatistics = (): Promise<void> => sleep(1_500);

const CALLERS = 256;
const MEMORY_ROUNDS = 4;

const measureMemory = (stack: BenchStack, progress: (line: string) => void): Promise<MemoryRounds> =>
  measureMemoryRounds(stack, MEMORY_ROUNDS, async (round) => {
    progress(`memory at ${CALLERS} callers, round ${round} of ${MEMORY_ROUNDS}`);
    const cell = { shape: 'one-step', modelMs: 0, callers: CALLERS } as const;
    const agents = await createAgents(stack.api, CALLERS, CALLERS);
    await applyLoad(cell, (caller, turn) =>
      takeTurn(stack.api, agentFor(agents, caller, turn), messageFor(cell)),
    );
  });
