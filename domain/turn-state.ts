import type { Message, MessagePart, MessageRole, ToolCallPart } from './message';
import type { ModelReply, ModelSettings } from './model';
import type { MemoryBlock } from './ports';
import type { MemorySeen } from './prompt';
import type { StopReason } from './run';
import type { RunEvent } from './run-event';
import type { Tool, ToolEffects } from './tool';
import type { PlannedCall } from './turn';
import type { TurnRequest } from './turn-request';
import type { ToolRule } from './tool-rules';

/** A step claimed by one attempt, with everything the model reads. */
export interface OpenedStep {
  readonly runId: string;
  readonly agentId: string;
  readonly conversationId: string;
  readonly stepId: string;
  readonly step: number;
  readonly attempt: number;
  readonly maxSteps: number;
  readonly streamTokens: boolean;
  readonly request: TurnRequest;
  readonly model: string;
  readonly settings: ModelSettings;
  readonly parallelToolCalls: boolean;
  readonly toolRules: readonly ToolRule[];
  readonly tools: readonly OfferedTool[];
  readonly blocks: readonly MemoryBlock[];
  readonly memorySeen: MemorySeen;
  /** The transcript so far, oldest first, system message included. */
  readonly context: readonly Message[];
}

/** A tool an agent may call, as far as a model call needs it. */
export type OfferedTool = Pick<Tool, 'id' | 'name' | 'jsonSchema' | 'effects' | 'enableParallelExecution'> & {
  readonly requiresApproval: boolean;
};

export interface NewMessage {
  readonly id: string;
  readonly role: MessageRole;
  readonly parts: readonly MessagePart[];
  readonly name: string | null;
  readonly otid: string | null;
  readonly senderId: string | null;
  readonly inContext: boolean;
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
    readonly contextWindow: number;
  };
  readonly llmNs: number;
  readonly firstTokenAt: Date | null;
  readonly memorySeen: MemorySeen | null;
  readonly stopReason: StopReason | null;
  readonly calls: readonly PlannedCall[];
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
  readonly call: ToolCallPart;
  /** Null when the agent has no tool of that name. */
  readonly tool: Tool | null;
  readonly effects: ToolEffects;
  /** Why this call is answered without running it (a tool rule forbids it); null runs it. */
  readonly refusal: string | null;
  readonly secrets: Readonly<Record<string, string>>;
}
