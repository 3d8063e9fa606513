import { isId } from './ids';
import type { StoppedTurn, ToolDone, ToolKey, TurnInput } from './turn';
import type { OpenedTool } from './turn-state';
import type { ToolOutcome } from './tool';
import type { ToolArguments } from './tool-arguments';
import { toPythonRepr } from './python-repr';
import { toolError } from './tool-failure';

/** Type of the tools whose calls are messages to other agents. The workflow makes these calls itself. */
export const AGENT_CALL_TYPE = 'letta_multi_agent_core';

/** How many calls may lie between a person's message and a message to an agent. */
export const MAX_CALL_DEPTH = 5;
/** How many agents one call may write to. */
export const MAX_FAN_OUT = 10;
/** How long a turn waits for the answers to one call. */
export const LONGEST_WAIT_MS = 60 * 60_000;

/** What a call wants to say, and to whom. */
export interface AgentMessage {
  readonly text: string;
  readonly to:
    | { readonly agentId: string }
    | { readonly allTags: readonly string[]; readonly someTags: readonly string[] };
  /** The turn goes on with the answers. */
  readonly waits: boolean;
}

/** Reads the arguments of a call; a tool error says what is wrong with them. */
export function readAgentMessage(toolName: string, args: ToolArguments): AgentMessage {
  const text = args['message'];
  if (typeof text !== 'string' || text.trim() === '')
    throw toolError('ValueError', 'The message is empty. Say what the other agent is to know or to do.');
  if (toolName === 'send_message_to_agents_matching_tags') {
    const [allTags, someTags] = [tagsAt(args, 'match_all'), tagsAt(args, 'match_some')];
    if (allTags.length + someTags.length === 0)
      throw toolError('ValueError', 'Neither match_all nor match_some names a tag. Name at least one.');
    return { text, to: { allTags, someTags }, waits: true };
  }
  const agentId = String(args['other_agent_id']);
  if (!isId('agent', agentId)) {
    throw toolError(
      'ValueError',
      `"${agentId.slice(0, 100)}" is not the id of an agent. Ids look like agent-123e4567-e89b-42d3-a456-426614174000.`,
    );
  }
  return { text, to: { agentId }, waits: toolName !== 'send_message_to_agent_async' };
}

const tagsAt = (args: ToolArguments, name: string): readonly string[] => {
  const value = args[name];
  return Array.isArray(value) ? value.map(String) : [];
};

/** The message as the other agent's model reads it. */
export const deliveredText = (
  { text, waits }: Pick<AgentMessage, 'text' | 'waits'>,
  caller: { readonly id: string; readonly name: string },
): string => {
  const answer = waits
    ? 'It waits: what you say in this turn is returned to it.'
    : 'It does not wait; if it should know something, send it a message.';
  return `[Message from another agent, ${caller.name} (${caller.id}). ${answer}]\n\n${text}`;
};

/** What became of the run that answers one message. */
export interface AgentReply {
  readonly agentId: string;
  readonly agentName: string;
  /** Null where the agent could not take the message. */
  readonly runId: string | null;
  readonly status:
    'answered' | 'waits_for_approval' | 'failed' | 'cancelled' | 'refused' | 'still_working' | 'gone';
  readonly text: string;
}

/**
 * What the calling model reads, in Python's notation as results of the original: one answer by itself, several as a list. An
 * error only if nobody answered.
 */
export function toOutcome(replies: readonly AgentReply[], isList: boolean): ToolOutcome {
  const isAnswered = replies.some(({ status }) => status === 'answered');
  const shown = replies.map(({ agentId, agentName, runId, status, text }) => ({
    agent_id: agentId,
    response: [text],
    agent_name: agentName,
    ...(runId !== null && { run_id: runId }),
    status,
  }));
  const result = toPythonRepr(isList ? shown : shown[0]);
  return {
    status: isAnswered ? 'success' : 'error',
    result,
    stdout: null,
    stderr: isAnswered ? null : [result],
  };
}

/** What happened to a call so far: the runs that are to be started, and the result if it has one. */
export interface AgentsAsked {
  readonly turns: readonly TurnInput[];
  readonly done?: ToolDone;
}
/** A call whose answers are asked for; `isLast` takes what there is. */
export interface CollectKey extends ToolKey {
  readonly isLast?: boolean;
}
/** `isPending`: an agent still works on its answer. */
export type Collected = ToolDone & { readonly isPending?: true };

/** The durable state of messages between agents. */
export interface AgentCallStore {
  /**
   * Posts the message to each agent as a run of its own, once however often it is repeated, and stores the result of a
   * call that does not wait, all in one transaction. A call that can't be made throws a tool error and stores nothing.
   */
  send(tool: OpenedTool, message: AgentMessage): Promise<AgentsAsked>;
  /** The runs of a call that are not over. */
  unfinished(key: ToolKey): Promise<readonly TurnInput[]>;
  /** The answers to a call once all runs are over, or `isLast`; null before. */
  replies(key: CollectKey): Promise<ToolOutcome | null>;
  /** Asks the runs that a call waits for to stop; returns those that are in progress somewhere. */
  cancel(key: ToolKey): Promise<readonly StoppedTurn[]>;
}
