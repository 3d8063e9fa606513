import type { NativeConnection } from '@temporalio/worker';
import type { ActivityDeps } from '../activities/deps';
import { loadAgentState } from '../api/agent-state';
import { toWireAgent } from '../api/wire/agent';
import type { Config } from '../config';
import { countTokens } from '../count-tokens';
import { createAgentCallStore } from '../db/agent-calls';
import { createCompactionStore } from '../db/compactions';
import type { Pool } from '../db/pool';
import { createRecall } from '../db/recall';
import { createToolRunStore } from '../db/tool-runs';
import { createTurnStore } from '../db/turns';
import type { McpToolCaller } from '../domain/mcp';
import type { ModelRegistry } from '../domain/model';
import type { SourceLanguage } from '../domain/source-tool';
import type { ToolLimits } from '../domain/tool-limits';
import type { Logger } from '../log';
import type { ToolModule } from '../tools/handler';
import { createToolRunner } from '../tools/tool-runner';
import type { createCancelledRuns } from '../worker/cancellations';
import { createWorker } from '../worker/create-worker';
import type { ArchivalMemory } from './archival-memory';

/** What a worker is made of. */
export interface WorkerParts {
  readonly config: Config;
  readonly log: Logger;
  readonly pool: Pool;
  readonly connection: NativeConnection;
  readonly models: ModelRegistry;
  readonly mcp: McpToolCaller;
  readonly memory: ArchivalMemory;
  readonly cancelled: ReturnType<typeof createCancelledRuns>;
  readonly presence: number;
  readonly modules: readonly ToolModule[];
  readonly sources: SourceLanguage;
  readonly toolLimits: ToolLimits | undefined;
  readonly onClosing: (workflowId: string) => void;
  readonly around: (deps: ActivityDeps) => ActivityDeps;
}

/** Starts a worker; `stop` gives its activities ten seconds, `failed` settles when it can't go on. */
export async function startWorker(parts: WorkerParts) {
  const { config, log, connection, memory, onClosing } = parts;
  const { namespace, taskQueue, deployment } = config.temporal;
  const deps = parts.around(toDeps(parts));
  const worker = await createWorker({ connection, namespace, taskQueue, deployment, deps, onClosing });
  const running = worker.run();
  const stopFilling = memory.startFilling();
  return {
    failed: running.then(() => new Promise<never>(() => undefined)),
    async stop() {
      worker.shutdown();
      await running.catch((error: unknown) => log.warn({ err: error }, 'the worker stopped with an error'));
      await stopFilling();
    },
  };
}

/** The real thing behind each port of the activities. */
function toDeps(parts: WorkerParts): ActivityDeps {
  const { pool, presence, memory, models, cancelled, toolLimits } = parts;
  return {
    turns: createTurnStore(pool, presence),
    compactions: createCompactionStore(pool),
    toolRuns: createToolRunStore(pool, presence),
    agentCalls: createAgentCallStore(pool),
    reembeds: memory.reembeds,
    countTokens,
    models,
    tools: toTools(parts),
    cancellations: cancelled,
    ...(toolLimits && { toolLimits }),
  };
}

const toTools = ({ config, log, pool, memory, mcp, modules, sources }: WorkerParts) =>
  createToolRunner({
    recall: createRecall(memory.search.messages),
    archive: memory.recall,
    files: memory.files,
    exaApiKey: config.exaApiKey,
    mcp,
    modules,
    sources,
    agentState: async (agentId) => toWireAgent(await loadAgentState(pool, agentId)),
    log,
  });
