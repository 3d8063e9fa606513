import type { ApprovalExpiry } from './approval';
import type { ImagePart, ToolReturnStatus } from './message';

/** How often a tool may act on the world: decides retries and what a lost worker means (see docs/turn-lifecycle.md). */
export type ToolEffects = 'read' | 'transactional' | 'idempotent' | 'once';

/** A tool as it is stored and shown to the model. */
export interface Tool {
  readonly id: string;
  readonly name: string;
  readonly toolType: string;
  readonly description: string;
  readonly sourceType: string;
  readonly sourceCode: string | null;
  readonly jsonSchema: ToolJsonSchema;
  readonly argsJsonSchema: Readonly<Record<string, unknown>> | null;
  readonly tags: readonly string[];
  readonly returnCharLimit: number;
  readonly pipRequirements: readonly Readonly<Record<string, unknown>>[] | null;
  readonly npmRequirements: readonly Readonly<Record<string, unknown>>[] | null;
  readonly defaultRequiresApproval: boolean | null;
  /** What answers its calls when no human does; null waits for ever. */
  readonly approvalExpiry: ApprovalExpiry | null;
  /** Name of the tool that takes back a call of this one; null if none does. */
  readonly undo: string | null;
  readonly enableParallelExecution: boolean;
  readonly effects: ToolEffects;
  /** Whether its code may reach public addresses; null leaves it to the server's setting. */
  readonly network: boolean | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
export interface ToolJsonSchema {
  readonly name: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What `tools/builtin/<name>/tool.ts` declares: shown to the model, stored once in the tools table at start. */
export interface BuiltinTool {
  readonly name: string;
  /** Letta's tool_type: letta_core, letta_sleeptime_core, letta_builtin, letta_multi_agent_core, … */
  readonly toolType: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly effects: ToolEffects;
  readonly enableParallelExecution: boolean;
}

/** What a tool call came to. A failing tool is not an error of the turn: the model reads it and goes on. */
export interface ToolOutcome {
  readonly status: ToolReturnStatus;
  /** Text the model reads (and `tool_return` on the wire). */
  readonly result: string;
  readonly stdout: readonly string[] | null;
  readonly stderr: readonly string[] | null;
  /** Pictures that the model sees beside the text. */
  readonly images?: readonly ImagePart[];
  /** What the tool's source wrote to its agent's memory: stored together with the outcome, and no part of it after that. */
  readonly memory?: readonly MemoryWrite[];
}
export interface MemoryWrite {
  readonly label: string;
  readonly before: string;
  readonly after: string;
}

/** What a tool's read-only probe found about a call whose process was lost. */
export type ToolProbed =
  | { readonly outcome: 'done'; readonly result: ToolOutcome }
  | { readonly outcome: 'not_done' }
  | { readonly outcome: 'unknown' };

/** Facts of the call that reach every handler. */
export interface ToolCallContext {
  readonly agentId: string;
  readonly conversationId: string;
  readonly runId: string;
  readonly stepId: string;
  readonly toolCallId: string;
  /** `run/step/tool_call_id`: the same in every attempt of this call. A tool that calls a service sends it along. */
  readonly idempotencyKey: string;
  /** What this call may do, where the agent says otherwise than the tool. */
  readonly effects?: ToolEffects;
  /** Agent secrets, by name. Never logged. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}
