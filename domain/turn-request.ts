import type { ImagePart, TextPart } from './message';
import type { ToolOutcome } from './tool';

/** What a client asked for, stored on the run before its workflow starts. Bodies live here, never in Temporal. */
export interface TurnRequest {
  readonly messages: readonly InputMessage[];
  /** Answers to the calls that wait for approval; null in a request that answers nothing. */
  readonly approvals: readonly ApprovalAnswer[] | null;
  /** A model handle for this turn only. */
  readonly overrideModel: string | null;
  /** A system prompt for this turn only; it replaces the compiled system message in what the model reads. */
  readonly overrideSystem: string | null;
  /** Tools that the client runs itself, for this turn only. They hide the agent's tools of the same names. */
  readonly clientTools?: readonly ClientTool[];
  /** What the client's environment has instructions for. Absent where the client says nothing of it. */
  readonly clientSkills?: readonly ClientSkill[];
  /** The client wants to see the calls by which the agent speaks, not what they say. */
  readonly showsCalls?: true;
  /** The client wants to hear of compactions. */
  readonly includeCompaction?: true;
  /** The request sends no message: the context is to be made smaller, with these settings over the agent's. */
  readonly compact?: { readonly settings: Readonly<Record<string, unknown>> };
}

/** A tool as its client describes it. The server shows it to the model and never runs it. */
export interface ClientTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A skill of the client's environment: instructions in a file that the model reads there when it needs them. */
export interface ClientSkill {
  readonly name: string;
  readonly description: string;
  readonly location: string;
}

/** Stands for the ids of all calls that wait, in answers of old clients. */
export const EVERY_CALL = '*';

/** What a human, or a client that runs tools itself, says to one call that waits. */
export type ApprovalAnswer =
  | {
      readonly type: 'approval';
      readonly toolCallId: string;
      readonly approve: boolean;
      readonly reason: string | null;
      /** JSON of the arguments that a human put in place of the model's. */
      readonly arguments?: string;
    }
  | ({ readonly type: 'tool'; readonly toolCallId: string } & ToolOutcome);

/** A message as the client sent it, with the ids it will be stored under. */
export interface InputMessage {
  readonly id: string;
  readonly role: 'user' | 'system' | 'assistant';
  readonly parts: readonly (TextPart | ImagePart)[];
  readonly name: string | null;
  readonly otid: string | null;
  readonly senderId: string | null;
}
