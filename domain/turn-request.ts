import type { ImagePart, TextPart } from './message';

/** What a client asked for, stored on the run before its workflow starts. Bodies live here, never in Temporal. */
export interface TurnRequest {
  readonly messages: readonly InputMessage[];
  /** A model handle for this turn only. */
  readonly overrideModel: string | null;
  /** A system prompt for this turn only; it replaces the compiled system message in what the model reads. */
  readonly overrideSystem: string | null;
}

/** A message as the client sent it, with the ids it will be stored under. */
export interface InputMessage {
  readonly id: string;
  readonly role: 'user' | 'system' | 'assistant';
  readonly parts: readonly (TextPart | ImagePart)[];
  readonly name: string | null;
  readonly otid: string | null;
  readonly senderId: string | null;
}
