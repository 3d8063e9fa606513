import { applyPatch, diffArrays, reversePatch, structuredPatch } from 'diff';

/** Who wrote a version of a block. Ids only: what they name is looked up when somebody asks. */
export interface BlockAuthor {
  /**
   * `tool`: an agent in a turn; `by_hand`: a tool run outside of one; `api`: a client; `revert`: a client that took writes
   * back; `unknown`: the block is older than its history.
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

/** One version of a block, with the value before it. */
export interface BlockVersion {
  readonly blockId: string;
  readonly version: number;
  readonly label: string;
  readonly value: string;
  /** Null for the first version. */
  readonly before: string | null;
  readonly author: BlockAuthor;
  /** The model that made the call, and the message that the turn answers; null where no turn wrote it. */
  readonly model: string | null;
  readonly sourceMessageId: string | null;
  readonly createdAt: Date;
}

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
      [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, ...lines].join('\n'),
    )
    .join('\n');

/** A value without what one write did to it; null where later writes have changed the same lines. */
export function withoutWrite(
  value: string,
  write: { readonly before: string; readonly after: string },
): string | null {
  if (value === write.after) return write.before;
  const taken = applyPatch(closed(value), reversePatch(changesOf(write.before, write.after)));
  return taken === false ? null : taken.replace(/\n$/, '');
}
