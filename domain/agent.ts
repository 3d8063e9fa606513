import { AppError } from './errors';
import type { StopReason } from './run';
import type { ToolRule } from './tool-rules';

export const AGENT_TYPES = [
  'letta_v1_agent',
  'memgpt_agent',
  'memgpt_v2_agent',
  'react_agent',
  'workflow_agent',
  'split_thread_agent',
  'sleeptime_agent',
  'voice_convo_agent',
  'voice_sleeptime_agent',
] as const;
export type AgentType = (typeof AGENT_TYPES)[number];

/** Agents that a client creates with this tag work for another agent: they are hidden from lists. */
export const SUBAGENT_TAG = 'role:subagent';

export type JsonObject = Readonly<Record<string, unknown>>;

/** An agent as it is stored, without the blocks and tools attached to it. */
export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly agentType: AgentType;
  readonly system: string;
  readonly description: string | null;
  /** Handle of the model, `provider/model`. */
  readonly model: string;
  readonly embedding: string | null;
  /** Letta's legacy document; generation settings are read from it. Where `modelSettings` differs, this wins. */
  readonly llmConfig: JsonObject;
  readonly embeddingConfig: JsonObject | null;
  readonly modelSettings: JsonObject;
  readonly compactionSettings: JsonObject;
  readonly responseFormat: JsonObject | null;
  readonly toolRules: readonly ToolRule[];
  readonly tags: readonly string[];
  readonly metadata: JsonObject | null;
  /** Environment of the agent's tools, by name. Never logged. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly timezone: string;
  readonly messageBufferAutoclear: boolean;
  readonly enableSleeptime: boolean | null;
  readonly maxFilesOpen: number;
  readonly perFileViewWindowCharLimit: number;
  readonly projectId: string | null;
  readonly templateId: string | null;
  readonly baseTemplateId: string | null;
  readonly entityId: string | null;
  readonly hidden: boolean | null;
  readonly lastRunCompletion: Date | null;
  readonly lastRunDurationMs: number | null;
  readonly lastStopReason: StopReason | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Ids of the messages the model reads in the agent's own thread, oldest first. */
  readonly messageIds: readonly string[];
}

/** What a caller decides about an agent; the database adds the rest. */
export type AgentFields = Omit<Agent, 'id' | 'createdAt' | 'updatedAt' | 'messageIds'>;
export type AgentPatch = Partial<AgentFields>;

/** The context window of an agent whose creator set no limit, if its model allows as much. */
export const DEFAULT_CONTEXT_WINDOW = 128_000;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const MAX_NAME_LENGTH = 256;
const UNSAFE_IN_NAME = /[/\\:*?"<>|\p{Cc}]/u;

/** Refuses names that cannot become a file name: an agent is exported under its name. */
export function checkAgentName(name: string): void {
  if (name.trim() === '')
    throw invalid('The agent name is empty. Give it a name, or leave `name` out for a random one.');
  if (name.length > MAX_NAME_LENGTH)
    throw invalid(`The agent name has ${name.length} characters; at most ${MAX_NAME_LENGTH} are allowed.`);
  if (UNSAFE_IN_NAME.test(name)) {
    throw invalid(
      `Agent name '${name}' contains invalid characters. Leave out control characters and / \\ : * ? " < > |`,
    );
  }
}

/** Refuses zones that the runtime does not know; the system prompt shows times in the agent's zone. */
export function checkTimezone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: timezone });
  } catch (cause) {
    throw new AppError(
      'INVALID_ARGUMENT',
      `INVALID_ARGUMENT: Timezone '${timezone}' is unknown. Use an IANA name such as 'UTC' or 'Europe/Berlin'.`,
      { cause },
    );
  }
}

const invalid = (message: string) => new AppError('INVALID_ARGUMENT', `INVALID_ARGUMENT: ${message}`);
