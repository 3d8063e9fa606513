/** Letta's message types (`message_type`), as far as this server writes them. */
export const WIRE_MESSAGE_TYPES = [
  'system_message',
  'user_message',
  'assistant_message',
  'reasoning_message',
  'hidden_reasoning_message',
  'tool_call_message',
  'tool_return_message',
  'approval_request_message',
  'approval_response_message',
  'summary_message',
  'event_message',
] as const;
export type WireMessageType = (typeof WIRE_MESSAGE_TYPES)[number];

/** The keys every message carries, in the order the original writes them. */
export interface WireMessageHead<T extends string = WireMessageType> {
  readonly id: string;
  readonly date: string;
  readonly name: string | null;
  readonly message_type: T;
  readonly otid: string | null;
  readonly sender_id: string | null;
  readonly step_id: string | null;
  readonly is_err: boolean | null;
  readonly seq_id: number | null;
  readonly run_id: string | null;
}

export interface WireToolCall {
  readonly name: string;
  readonly arguments: string;
  readonly tool_call_id: string;
}
export interface WireToolReturn {
  readonly type: 'tool';
  /** Text, or its parts where there are images among them. */
  readonly tool_return: string | readonly WireContentPart[];
  readonly status: 'success' | 'error';
  readonly tool_call_id: string;
  readonly stdout: readonly string[] | null;
  readonly stderr: readonly string[] | null;
  /** Our own field: the call may or may not have acted. */
  readonly effect_status?: 'unknown';
}
export interface WireApproval {
  readonly type: 'approval';
  readonly tool_call_id: string;
  readonly approve: boolean;
  readonly reason: string | null;
  /** Our own field: what a human put in place of the model's arguments. */
  readonly arguments?: string;
}
export type WireContentPart =
  | { readonly type: 'text'; readonly text: string; readonly signature: null }
  | { readonly type: 'image'; readonly source: Readonly<Record<string, string | null>> };

/** What a message carries beyond its head, by type. */
export type WireMessageBody =
  | { readonly content: string | readonly WireContentPart[] }
  | { readonly source: 'reasoner_model'; readonly reasoning: string; readonly signature: string | null }
  | { readonly state: 'redacted' | 'omitted'; readonly hidden_reasoning: string | null }
  | { readonly tool_call: WireToolCall | null; readonly tool_calls: readonly WireToolCall[] }
  | (Omit<WireToolReturn, 'type'> & { readonly tool_returns: readonly WireToolReturn[] })
  | {
      readonly approvals: readonly (WireApproval | WireToolReturn)[];
      readonly approve: boolean | null;
      readonly approval_request_id: string | null;
      readonly reason: string | null;
    }
  | { readonly summary: string; readonly compaction_stats: WireCompactionStats | null }
  | { readonly event_type: 'compaction'; readonly event_data: Readonly<Record<string, unknown>> };

export interface WireCompactionStats {
  readonly trigger: string;
  readonly context_tokens_before: number | null;
  readonly context_tokens_after: number | null;
  readonly context_window: number;
  readonly messages_count_before: number;
  readonly messages_count_after: number;
}

export type WireMessage = WireMessageHead & WireMessageBody;
