/** What answers a call that waits for a human when no human does. */
export interface ApprovalExpiry {
  readonly action: 'deny' | 'allow';
  readonly afterSeconds: number;
}

/** The longest a policy may wait: a year. */
export const MAX_EXPIRY_SECONDS = 365 * 24 * 3600;

export const APPROVAL_STATUSES = ['pending', 'answered', 'expired', 'cancelled'] as const;
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number];

/** A tool call that a human, or the client that runs it, was asked about. */
export interface Approval {
  readonly id: string;
  readonly messageId: string;
  readonly agentId: string;
  readonly conversationId: string;
  readonly runId: string;
  readonly stepId: string;
  readonly toolCallId: string;
  readonly toolName: string;
  readonly arguments: string;
  readonly isClient: boolean;
  readonly status: ApprovalStatus;
  readonly requestedAt: Date;
  readonly expiresAt: Date | null;
  readonly expiryAction: ApprovalExpiry['action'] | null;
  readonly answeredAt: Date | null;
  readonly answeredBy: string | null;
  readonly isApproved: boolean | null;
  readonly reason: string | null;
  readonly editedArguments: string | null;
}

/**
 * When the calls of one reply are answered without a human, in seconds after they were asked for. They are answered
 * together: with the last of them, and never if one of them waits for ever.
 */
export function expiresAfter(
  calls: readonly { readonly waits?: boolean; readonly expiry?: ApprovalExpiry }[],
): number | null {
  const waiting = calls.filter(({ waits }) => waits === true);
  const delays = waiting.flatMap(({ expiry }) => (expiry ? [expiry.afterSeconds] : []));
  return waiting.length > 0 && delays.length === waiting.length ? Math.max(...delays) : null;
}

/** What a human's own arguments are told as, to the model that made the call with others. */
export const editedNote = (args: string): string =>
  `[A human changed the arguments of this call before approving it. It ran with: ${args}]`;

/** What an expiry policy says in place of a human's reason. */
export const EXPIRED_REASON = 'nobody answered in time';
