import { AppError } from './errors';

/** A memory block as it is stored. Agents share blocks; `version` counts the writes of `value`. */
export interface Block {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  /** Most characters `value` may hold. */
  readonly limit: number;
  readonly description: string | null;
  readonly readOnly: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  readonly hidden: boolean | null;
  readonly isTemplate: boolean;
  readonly templateName: string | null;
  readonly templateId: string | null;
  readonly baseTemplateId: string | null;
  readonly deploymentId: string | null;
  readonly entityId: string | null;
  readonly projectId: string | null;
  readonly preserveOnMigration: boolean;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a caller decides about a block; the database adds the rest. */
export type BlockFields = Omit<Block, 'id' | 'version' | 'createdAt' | 'updatedAt'>;
export type BlockPatch = Partial<BlockFields>;

export const DEFAULT_BLOCK_LIMIT = 100_000;
/** Most characters a label may have. */
export const MAX_LABEL_LENGTH = 256;
/** A label becomes the name of an element in the system prompt. */
export const UNSAFE_IN_LABEL = /[<>\p{Cc}\p{Cs}]/u;

const DEFAULT_DESCRIPTIONS: Readonly<Record<string, string>> = {
  human:
    'What you know about the person you talk with: name, preferences, plans, facts worth keeping. Use it to make every answer personal.',
  persona: 'Who you are: your name, character and manner of speaking. Let it shape how you answer.',
};

/** The description of a block whose creator gave none: only the two customary labels have one. */
export const defaultBlockDescription = (label: string): string | null => DEFAULT_DESCRIPTIONS[label] ?? null;

/** Refuses labels that cannot name an element of the system prompt. */
export function checkBlockLabel(label: string): void {
  if (label.trim() === '')
    throw new AppError(
      'INVALID_ARGUMENT',
      'INVALID_ARGUMENT: The block label is empty. Give the block a label.',
    );
  if (label.length > MAX_LABEL_LENGTH) {
    throw new AppError(
      'INVALID_ARGUMENT',
      `INVALID_ARGUMENT: The block label has ${label.length} characters; at most ${MAX_LABEL_LENGTH} are allowed.`,
    );
  }
  if (UNSAFE_IN_LABEL.test(label)) {
    throw new AppError(
      'INVALID_ARGUMENT',
      `INVALID_ARGUMENT: Block label '${label}' contains invalid characters. Leave out control characters, < and >.`,
    );
  }
}

/** Refuses a value of more characters (code points, as in Python) than the block's limit. */
export function checkBlockValue({ label, value, limit }: Pick<Block, 'label' | 'value' | 'limit'>): void {
  if (value.length <= limit) return;
  const size = Array.from(value).length;
  if (size <= limit) return;
  throw new AppError(
    'VALIDATION',
    `Block '${label}' would hold ${size} characters, its limit is ${limit}. Shorten the value or raise \`limit\`.`,
    { facts: { plain: true } },
  );
}

/** Refuses two blocks of one label on one agent. */
export function checkUniqueLabels(labels: readonly string[]): void {
  const double = labels.find((label, index) => labels.indexOf(label) !== index);
  if (double !== undefined) throw labelTaken(double);
}

/** The error for a label that an agent already has. */
export const labelTaken = (label: string): AppError =>
  new AppError(
    'CONFLICT',
    `CONFLICT: The agent already has a block labeled '${label}' (unique_label_per_agent). Detach that one first, or use another label.`,
  );
