import type { TurnInput } from './turn';

/** Names of the search attributes (type Keyword) by which operators find a turn. `RunId` is Temporal's own. */
export const TURN_ATTRIBUTES = ['AgentId', 'AgentRunId', 'ConversationId'] as const;
export type TurnAttribute = (typeof TURN_ATTRIBUTES)[number];

/** The ids of a turn under their attribute names. */
export const turnAttributes = (turn: TurnInput): Readonly<Record<TurnAttribute, string>> => ({
  AgentId: turn.agentId,
  AgentRunId: turn.runId,
  ConversationId: turn.conversationId,
});
