import type { BuiltinTool, Tool, ToolCallContext } from '../../domain/tool';

/** A stored tool: a built-in one as the server stores it at start, or a user's with the facts given. */
export function buildTool(source: Partial<BuiltinTool>, facts: Partial<Tool> = {}): Tool {
  const { name = 'roll_dice', toolType = 'custom', description = 'Rolls dice.', parameters = {} } = source;
  return {
    id: 'tool-1',
    name,
    toolType,
    description,
    sourceType: 'python',
    sourceCode: null,
    jsonSchema: { name, description, parameters },
    argsJsonSchema: null,
    tags: [toolType],
    returnCharLimit: 50_000,
    pipRequirements: null,
    npmRequirements: null,
    defaultRequiresApproval: null,
    approvalExpiry: null,
    undo: null,
    enableParallelExecution: source.enableParallelExecution ?? false,
    effects: source.effects ?? 'once',
    network: null,
    metadata: {},
    createdAt: new Date(0),
    updatedAt: new Date(0),
    ...facts,
  };
}

/** The facts of one call of agent-1. */
export const buildCallContext = (facts: Partial<ToolCallContext> = {}): ToolCallContext => ({
  agentId: 'agent-1',
  conversationId: 'agent-1',
  runId: 'run-1',
  stepId: 'step-1',
  toolCallId: 'call-1',
  idempotencyKey: 'run-1/0/call-1',
  secrets: {},
  signal: new AbortController().signal,
  ...facts,
});
