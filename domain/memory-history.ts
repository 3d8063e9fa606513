import { applyPatch, diffArrays, reversePatch, structuredPatch } from 'diff';
import type { JsonObject } from './agent';

/** Who wrote a version of a block or a passage. Ids only: what they name is looked up when somebody asks. */
export interface MemoryAuthor {
  /**
   * `tool`: an agent in a turn; `by_hand`: a tool run outside of one; `api`: a client; `revert`: a client that took writes
   * back; `unknown`: what was written is older than its history.
   */
  readonly kind: 'tool' | 'by_hand' | 'api' | 'revert' | 'unknown';
  readonly agentId?: string;
  readonly conversationId?: string;
  readonly runId?: string;
  readonly stepId?: string;
  readonly toolCallId?: string;
  readonly toolName?: string;
  /** The version that a revert brought back. */
  readonly revertedTo?: number;
  /** The message whose writes were taken back. */
  readonly revertedMessageId?: string;
}

/** One write: the version it made of a block or a passage, and who made it. */
export interface MemoryWrite {
  readonly id: string;
  readonly version: number;
  readonly author: MemoryAuthor;
  /** The model that made the call, and the message that its turn was about; null where no turn wrote it. */
  readonly model: string | null;
  readonly sourceMessageId: string | null;
  readonly createdAt: Date;
}

/** One version of a block, with the value before it. */
export interface BlockVersion extends MemoryWrite {
  readonly kind: 'block';
  readonly label: string;
  readonly value: string;
  /** Null for the first version. */
  readonly before: string | null;
}

/** What can change of a passage. */
export interface PassageContent {
  readonly text: string;
  readonly tags: readonly string[];
  readonly metadata: JsonObject;
}

/** One version of a passage, with what was there before it. */
export interface PassageVersion extends MemoryWrite {
  readonly kind: 'passage';
  readonly archiveId: string;
  /** What it holds; of one that is gone, what it held last. */
  readonly content: PassageContent;
  readonly isDeleted: boolean;
  /** Null where there was no passage. */
  readonly before: PassageContent | null;
  readonly passageCreatedAt: Date;
  /** Its place among all writes of its archive. */
  readonly seq: number;
}

export type MemoryVersion = BlockVersion | PassageVersion;

/** What is there after a write; null where it deleted the passage. */
export const contentAfter = ({
  content,
  isDeleted,
}: Pick<PassageVersion, 'content' | 'isDeleted'>): PassageContent | null => (isDeleted ? null : content);

/** A line of a block and the version that brought it. */
export interface BlamedLine<Version> {
  readonly text: string;
  readonly version: Version;
}

/** The lines of the last version, each with the version since which it has been there. `versions` are in order. */
export function blame<Version extends Pick<BlockVersion, 'value'>>(
  versions: readonly Version[],
): readonly BlamedLine<Version>[] {
  let lines: readonly BlamedLine<Version>[] = [];
  for (const version of versions) {
    const texts = linesOf(version.value);
    const kept = [...lines];
    lines = diffArrays(
      kept.map(({ text }) => text),
      texts,
    ).flatMap((part) => {
      if (part.removed) {
        kept.splice(0, part.count);
        return [];
      }
      if (part.added) return part.value.map((text) => ({ text, version }));
      return kept.splice(0, part.count);
    });
  }
  return lines;
}

const linesOf = (value: string): string[] => (value === '' ? [] : value.split('\n'));

const changesOf = (before: string, after: string) =>
  structuredPatch('', '', closed(before), closed(after), undefined, undefined, { context: 1 });

// A last line without its line break would count as changed whenever another follows it.
const closed = (value: string): string => (value === '' ? '' : `${value}\n`);

/** What a write changed, as the hunks of a unified diff without file names. */
export const diffOf = (before: string, after: string): string =>
  changesOf(before, after)
    .hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) =>
      [`@@ -${rangeOf(oldStart, oldLines)} +${rangeOf(newStart, newLines)} @@`, ...lines].join('\n'),
    )
    .join('\n');

// A range without lines names the line before it.
const rangeOf = (start: number, lines: number): string => `${lines === 0 ? start - 1 : start},${lines}`;

/** A value with what a write did to another one; null where the two differ on the lines that it changed. */
export function withWrite(
  value: string,
  write: { readonly before: string; readonly after: string },
): string | null {
  if (value === write.before) return write.after;
  const made = applyPatch(closed(value), changesOf(write.before, write.after));
  return made === false ? null : made.replace(/\n$/, '');
}

/** A value without what one write did to it; null where later writes have changed the same lines. */
export function withoutWrite(
  value: string,
  write: { readonly before: string; readonly after: string },
): string | null {
  if (value === write.after) return write.before;
  const taken = applyPatch(closed(value), reversePatch(changesOf(write.before, write.after)));
  return taken === false ? null : taken.replace(/\n$/, '');
}

/** Whether two states of a passage, as they are stored, are the same; null is no passage. */
export const isSameContent = (one: PassageContent | null, other: PassageContent | null): boolean =>
  one === null || other === null
    ? one === other
    : one.text === other.text && isSame(one.tags, other.tags) && isSame(one.metadata, other.metadata);

// The store gives keys in an order of its own, always the same.
const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/**
 * A passage without what one write did to it; null where there is none then. Later changes of other lines stay;
 * `overwritten` where they are of the same ones.
 */
export function passageWithoutWrite(
  now: PassageContent | null,
  write: { readonly before: PassageContent | null; readonly after: PassageContent | null },
): PassageContent | null | 'overwritten' {
  const { before, after } = write;
  if (isSameContent(now, after)) return before;
  // Deleted since, or restored: that is what was to come, or a later decision.
  if (now === null || after === null) return now;
  if (before === null) return 'overwritten';
  const text = withoutWrite(now.text, { before: before.text, after: after.text });
  const tags = without(now.tags, before.tags, after.tags);
  const metadata = without(now.metadata, before.metadata, after.metadata);
  return text === null || tags === null || metadata === null ? 'overwritten' : { text, tags, metadata };
}

function without<T>(now: T, before: T, after: T): T | null {
  if (isSame(before, after)) return now;
  return isSame(now, after) ? before : null;
}
