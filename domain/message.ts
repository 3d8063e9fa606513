import type { CompactionTrigger } from './compaction';

/** One entry of a conversation as it is stored. The wire shapes and the providers' dialects are derived from it. */
export interface Message {
  readonly id: string;
  readonly conversationId: string;
  readonly agentId: string;
  readonly runId: string | null;
  readonly stepId: string | null;
  readonly role: MessageRole;
  readonly parts: readonly MessagePart[];
  readonly name: string | null;
  readonly otid: string | null;
  readonly senderId: string | null;
  readonly createdAt: Date;
}

/**
 * - `assistant` holds reasoning, text and tool calls in the order the model produced them;
 * - `tool` holds one tool return;
 * - `approval_request` is an assistant message whose tool calls wait for a human, `approval_response` the answer;
 * - `note` tells the model what changed outside the conversation (for example a block edited over REST).
 */
export type MessageRole =
  'system' | 'user' | 'assistant' | 'tool' | 'approval_request' | 'approval_response' | 'summary' | 'note';

export type MessagePart =
  | TextPart
  | ImagePart
  | ReasoningPart
  | RedactedReasoningPart
  | ToolCallPart
  | ToolReturnPart
  | ApprovalPart
  | CompactionPart;

export interface TextPart {
  readonly type: 'text';
  readonly text: string;
  /** Opaque provider data (for example an OpenAI output item id), replayed only to the provider that made it. */
  readonly provider?: ProviderData;
  /** What another agent sent by its tool. The model reads it as any user's words; clients see a system message, as the original's do. */
  readonly fromAgent?: true;
}
export interface ImagePart {
  readonly type: 'image';
  readonly source:
    | { readonly type: 'url'; readonly url: string }
    | { readonly type: 'base64'; readonly mediaType: string; readonly data: string };
  readonly detail?: string;
}
export interface ReasoningPart {
  readonly type: 'reasoning';
  readonly text: string;
  /** What the provider needs to recognise its own reasoning: OpenAI's encrypted content, Anthropic's signature. */
  readonly signature: string | null;
  readonly provider?: ProviderData;
}
export interface RedactedReasoningPart {
  readonly type: 'redacted_reasoning';
  readonly data: string;
  readonly provider?: ProviderData;
}
export interface ToolCallPart {
  readonly type: 'tool_call';
  readonly id: string;
  readonly name: string;
  /** The model's own string, kept byte for byte. It need not be JSON. */
  readonly arguments: string;
  /** False for a call beside others that wait for a human: it needs no answer and runs after theirs. */
  readonly waits?: false;
  /** The call is how its agent speaks: clients see what it says, not the call. */
  readonly speaks?: true;
  readonly provider?: ProviderData;
}
export interface ToolReturnPart {
  readonly type: 'tool_return';
  readonly toolCallId: string;
  readonly name: string;
  readonly status: ToolReturnStatus;
  readonly result: string;
  readonly stdout: readonly string[] | null;
  readonly stderr: readonly string[] | null;
  /** What the model is shown beside the text. */
  readonly images?: readonly ImagePart[];
  /** Set where the call may or may not have acted. */
  readonly effectStatus?: 'unknown';
  /** What became known later. Clients see it instead; the model reads it in a note, so that its prompt only grows. */
  readonly resolution?: ToolResolution;
  /** JSON of the arguments it ran with, where a human changed the model's. */
  readonly ranWith?: string;
  /** The return of a call that is shown as what it says; it is not shown itself. */
  readonly speaks?: true;
}
export type ToolResolution = Pick<ToolReturnPart, 'status' | 'result' | 'stdout' | 'stderr'>;
export interface ApprovalPart {
  readonly type: 'approval';
  readonly toolCallId: string;
  readonly approve: boolean;
  readonly reason: string | null;
  /** JSON of the arguments that replace the model's. */
  readonly arguments?: string;
}
/** How a summary came about; stands beside its text. */
export interface CompactionPart extends CompactionStats {
  readonly type: 'compaction';
  /** The request wanted to hear of compactions in messages of their own types. */
  readonly isTold: boolean;
}
export interface CompactionStats {
  readonly trigger: CompactionTrigger;
  readonly messagesBefore: number;
  readonly messagesAfter: number;
  readonly tokensBefore: number;
  readonly tokensAfter: number;
  readonly contextWindow: number;
}
export type ToolReturnStatus = 'success' | 'error';

/** `name` is the provider that produced the data; other providers never see it. */
export interface ProviderData {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}
