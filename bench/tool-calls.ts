import { loadConfig, readEnvironment } from '../config';
import type { McpConfig } from '../domain/mcp-server';
import type { SourceCall, SourceTool } from '../domain/source-tool';
import type { ToolOutcome } from '../domain/tool';
import { createLogger } from '../log';
import { composeLanguages } from '../runtime/source-languages';
import { createMcpConnections } from '../tools/mcp/connections';
import { type Quantiles, quantilesOf } from './load';

const CALLS = 60;

/** One warm call of a kind of tool, without the turn around it. */
export interface ToolTiming extends Quantiles {
  readonly kind: string;
}

interface Kind {
  readonly kind: string;
  readonly result: string;
  readonly call: () => Promise<ToolOutcome>;
}

/**
 * Times calls of each kind of tool as a worker makes them, one after the other; the first of a kind, which starts what stays,
 * is not counted.
 */
export async function timeToolCalls(servers: {
  readonly url: string;
  readonly stdio: readonly [command: string, ...args: string[]];
}): Promise<readonly ToolTiming[]> {
  const mcp = createMcpConnections({ oauth: NO_OAUTH, allowsStdio: true, allowsPrivate: true });
  const [command, ...args] = servers.stdio;
  const kinds = [
    sourceKind('Python', 'python', 'def add(a: int, b: int) -> int:\n    return a + b\n'),
    sourceKind('TypeScript', 'typescript', 'export const add = (a: number, b: number): number => a + b;\n'),
    mcpKind('MCP on stdio', { type: 'stdio', command, args, env: {} }),
    mcpKind('MCP over HTTP', {
      type: 'streamable_http',
      url: servers.url,
      authHeader: null,
      authToken: null,
      headers: {},
    }),
  ];
  const timings: ToolTiming[] = [];
  try {
    for (const kind of kinds) timings.push(await timeKind(kind));
  } finally {
    await mcp.close();
  }
  return timings;

  function mcpKind(kind: string, config: McpConfig): Kind {
    const target = { id: kind, name: kind, version: 1, config };
    const call = { name: 'look', args: { label: 'x' }, effects: 'read', idempotencyKey: 'bench' } as const;
    return {
      kind,
      result: 'look {"label":"x"}',
      call: () => mcp.callTool(target, call, new AbortController().signal),
    };
  }
}

function sourceKind(kind: string, sourceType: string, sourceCode: string): Kind {
  const { runTool } = composeLanguages(loadConfig(readEnvironment()), createLogger('silent'));
  const tool: SourceTool = {
    id: 'tool-bench',
    name: 'add',
    sourceType,
    sourceCode,
    jsonSchema: { name: 'add', description: '', parameters: {} },
    argsJsonSchema: null,
    returnCharLimit: 50_000,
    pipRequirements: null,
    npmRequirements: null,
    network: null,
  };
  const call: SourceCall = {
    ...{ agentId: null, runId: 'bench', stepId: 'bench', toolCallId: 'bench', idempotencyKey: 'bench' },
    secrets: {},
    signal: new AbortController().signal,
    agentState: () => Promise.resolve(null),
  };
  return { kind, result: '3', call: () => runTool(tool, { a: 1, b: 2 }, call) };
}

async function timeKind({ kind, result, call }: Kind): Promise<ToolTiming> {
  const times: number[] = [];
  for (let count = 0; count <= CALLS; count++) {
    const startedAt = performance.now();
    const outcome = await call();
    if (outcome.result !== result) throw new Error(`the ${kind} tool answered: ${outcome.result}`);
    if (count > 0) times.push(performance.now() - startedAt);
  }
  return { kind, ...quantilesOf(times) };
}

/** No server of the benchmark asks for authorization. */
const NO_OAUTH = { authorizedFor: () => Promise.resolve(null) } as never;
