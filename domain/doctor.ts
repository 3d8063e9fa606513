/** How much a finding matters: an error ends turns, a warning makes them worse, info is for the record. */
export type Severity = 'error' | 'warning' | 'info';

// `repair` says what a repair does, or, where only a person can, what that person has to do.
const KINDS = {
  orphaned_tool_call: {
    severity: 'error',
    isRepairable: true,
    repair: 'A result is stored for the call that says its outcome is not known.',
  },
  orphaned_tool_return: {
    severity: 'error',
    isRepairable: true,
    repair: 'The result is taken out of what the model reads; it stays in the lists of messages.',
  },
  abandoned_tool_call: {
    severity: 'warning',
    isRepairable: true,
    repair:
      'The call gets the result that the effect ledger knows, or one that says its outcome is not known.',
  },
  orphaned_approval_request: {
    severity: 'error',
    isRepairable: true,
    repair:
      'Its calls get a result: not made if nobody had answered, else what the effect ledger knows of them.',
  },
  approval_without_tool: {
    severity: 'warning',
    isRepairable: true,
    repair: 'The request is closed: its calls get a result that says they were not made.',
  },
  approval_partly_without_tool: {
    severity: 'warning',
    isRepairable: false,
    repair: 'Attach the tool again, or answer the request; the call of the missing tool then fails.',
  },
  orphaned_approval_answer: {
    severity: 'info',
    isRepairable: true,
    repair: 'The answer is taken out of the context; it stays in the lists of messages.',
  },
  stuck_run: {
    severity: 'error',
    isRepairable: true,
    repair: 'The run is handed to Temporal again and goes on where it stopped.',
  },
  run_that_cannot_go_on: {
    severity: 'error',
    isRepairable: true,
    repair: 'The run is closed with the end that it has reached already.',
  },
  step_of_finished_run: {
    severity: 'warning',
    isRepairable: true,
    repair: 'The step is closed. Messages that were steered at it become turns of their own.',
  },
  context_over_window: {
    severity: 'warning',
    isRepairable: false,
    repair:
      'Left to compaction, or to you: start a new conversation, or give the agent a model with a larger window.',
  },
  missing_system_message: {
    severity: 'error',
    isRepairable: true,
    repair:
      'The system message is compiled from the instructions and the memory of the agent, and put first.',
  },
  missing_block: {
    severity: 'info',
    isRepairable: true,
    repair: 'The system message is compiled anew from the blocks that the agent has.',
  },
  memory_tools_without_block: {
    severity: 'warning',
    isRepairable: false,
    repair: 'Attach a memory block to the agent, or detach the tools.',
  },
  unknown_effect: {
    severity: 'warning',
    isRepairable: false,
    repair: 'Find out what the call did, then settle it with POST /v1/effects/{key}/resolve.',
  },
} as const satisfies Record<string, { severity: Severity; isRepairable: boolean; repair: string }>;

export type FindingCode = keyof typeof KINDS;

/** Where the damage is. What does not apply is left out. */
export interface FindingPlace {
  readonly conversationId?: string | null;
  readonly runId?: string | null;
  readonly stepId?: string | null;
  readonly messageId?: string | null;
  readonly toolCallId?: string | null;
}

/** Something about an agent that is not as turns leave it. */
export interface Finding extends FindingPlace {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly what: string;
  readonly repair: string;
  readonly isRepairable: boolean;
  /** Numbers and names behind `what`, for programs. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A finding with what its kind says of it. */
export const finding = (
  code: FindingCode,
  place: FindingPlace,
  what: string,
  facts: Readonly<Record<string, unknown>> = {},
): Finding => ({ code, ...KINDS[code], ...place, what, facts });

/** Whether two findings are of the same damage. */
export const isSameFinding = (a: Finding, b: Finding): boolean =>
  [a, b].every(({ code }) => code === a.code) &&
  (['conversationId', 'runId', 'stepId', 'messageId', 'toolCallId'] as const).every(
    (key) => (a[key] ?? null) === (b[key] ?? null),
  ) &&
  a.facts['label'] === b.facts['label'];

/** An agent works as it should when nothing worse than info was found. */
export const isHealthy = (findings: readonly Finding[]): boolean =>
  findings.every(({ severity }) => severity === 'info');
