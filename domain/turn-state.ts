import type { ApprovalExpiry } from './approval';
import type { FoldersOfStep } from './folder-note';
import type { SettledEffect } from './effect';
import type { SteeredInput } from './inbox';
import type { Message, MessagePart, MessageRole, ToolCallPart } from './message';
import type { ModelReply, ModelSettings } from './model';
import type { MemoryBlock } from './ports';
import type { ProviderCategory } from './provider';
import type { MemorySeen } from './prompt';
import type { PromptMarks } from './prompt-print';
import type { StopReason } from './run';
import type { RunEvent } from './run-event';
import type { Tool, ToolEffects } from './tool';
import type { PlannedCall } from './turn';
import type { TurnRequest } from './turn-request';
import type { CalledTool, ToolRule } from './tool-rules';

/** A step claimed by one attempt, with everything the model reads. */
/** A response that goes on at the provider while nobody listens, begun by an earlier attempt of the step. */
export interface BegunResponse {
  readonly id: string;
  /** The attempt that began it: its message keeps the id that this attempt gave it. */
  readonly attempt: number;
  /** How many of its deltas watchers have seen. */
  readonly shown: number;
}

export interface OpenedStep {
  readonly runId: string;
  readonly agentId: string;
  readonly conversationId: string;
  readonly stepId: string;
  readonly step: number;
  readonly attempt: number;
  readonly maxSteps: number;
  readonly streamTokens: boolean;
  /** Set where the model is not to be asked again. */
  readonly begun?: BegunResponse;
  readonly request: TurnRequest;
  readonly model: string;
  /** What the agent was given of its model's window; null for all of it, as for another model. */
  readonly contextLimit: number | null;
  readonly settings: ModelSettings;
  readonly parallelToolCalls: boolean;
  readonly toolRules: readonly ToolRule[];
  readonly tools: readonly OfferedTool[];
  readonly blocks: readonly MemoryBlock[];
  readonly memorySeen: MemorySeen;
  /** What the agent can look into; none where it has no folder. */
  readonly folders?: FoldersOfStep;
  /** Calls settled since the thread's model was told that their outcome is unknown. */
  readonly settledEffects: readonly SettledEffect[];
  /** Messages that were steered at this turn and are read now, oldest first. */
  readonly steered: readonly SteeredInput[];
  /** Tools that this turn has called and whose results have left the context since, in order. */
  readonly calledBefore?: readonly CalledTool[];
  /** The prompt of the thread's last answered request; none before the first one. */
  readonly promptBefore?: PromptMarks;
  /** The transcript so far, oldest first, system message included. */
  readonly context: readonly Message[];
}

/** A tool an agent may call, as far as a model call needs it. */
export type OfferedTool = Pick<Tool, 'id' | 'name' | 'jsonSchema' | 'effects' | 'enableParallelExecution'> & {
  readonly requiresApproval: boolean;
  /** What answers its calls when no human does; null waits for ever. */
  readonly approvalExpiry?: ApprovalExpiry | null;
  /** The client runs it. */
  readonly isClient?: boolean;
  /** Its calls are how the agent speaks. */
  readonly speaks?: boolean;
  /** Its calls are messages to other agents. */
  readonly asksAgents?: boolean;
};

export interface NewMessage {
  readonly id: string;
  readonly role: MessageRole;
  readonly parts: readonly MessagePart[];
  readonly name: string | null;
  readonly otid: string | null;
  readonly senderId: string | null;
  readonly inContext: boolean;
  /** The run it was sent as, where that is another one than the one that reads it. */
  readonly runId?: string;
}

/** What one model call leaves behind. Exactly one of `stopReason` and `calls` is set. */
export interface ReplyToSave {
  /** Input, notes and the reply itself, in transcript order. */
  readonly messages: readonly NewMessage[];
  readonly replyMessageId: string;
  readonly events: readonly RunEvent[];
  readonly reply: ModelReply;
  readonly model: {
    readonly handle: string;
    readonly name: string;
    readonly endpoint: string;
    readonly providerName: string;
    readonly providerCategory: ProviderCategory;
    readonly contextWindow: number;
  };
  /** Null where a client of a model does not print its prompts. */
  readonly promptMarks: PromptMarks | null;
  readonly promptPrefixShare: number | null;
  readonly llmNs: number;
  readonly firstTokenAt: Date | null;
  readonly memorySeen: MemorySeen | null;
  readonly stopReason: StopReason | null;
  readonly calls: readonly PlannedCall[];
  /** The context is to be made smaller before the turn goes on, or ends. */
  readonly isFull: boolean;
}

/** A tool call claimed by one attempt. */
export interface OpenedTool {
  readonly key: string;
  readonly runId: string;
  /** The run whose step made the call; another one than `runId` after an approval. */
  readonly askedBy: string;
  readonly agentId: string;
  readonly conversationId: string;
  readonly stepId: string;
  readonly step: number;
  readonly index: number;
  readonly attempt: number;
  /** The model's call, with a human's arguments in place of its own where they were changed. */
  readonly call: ToolCallPart;
  /** JSON of the arguments that a human put in place of the model's; null where the model's own count. */
  readonly editedArguments: string | null;
  /** Null when the agent has no tool of that name. */
  readonly tool: Tool | null;
  readonly effects: ToolEffects;
  /** Why this call is answered without running it (a tool rule forbids it); null runs it. */
  readonly refusal: string | null;
  readonly secrets: Readonly<Record<string, string>>;
}
