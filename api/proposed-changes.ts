import { asKnownInThread } from '../db/known-blocks';
import { toMemoryBlock } from '../db/memory-transaction';
import { blocksOfThread } from '../db/thread-blocks';
import type { Approval } from '../domain/approval';
import type { MemoryChange } from '../domain/memory-changes';
import { diffOf, withWrite } from '../domain/memory-history';
import type { MemoryBlock } from '../domain/ports';
import type { ApiDeps } from './deps';

/** What a call of a memory tool that waits would change, so that a human can read it. */
export interface ProposedChanges {
  readonly changes: readonly ProposedChange[];
  /** What the call would answer instead of changing anything; null if it would not. */
  readonly problem: string | null;
}
export interface ProposedChange {
  readonly kind: MemoryChange['kind'];
  readonly blockId: string | null;
  readonly label: string;
  /** The version that the model proposed it for; null where there is no block yet. */
  readonly version: number | null;
  readonly currentVersion: number | null;
  readonly diff: string;
  /** Others have changed the same lines since: approved as it stands it would write nothing. */
  readonly isConflict: boolean;
}

/** Reads what waits on the blocks as they were when it was proposed; null for what is answered and for other tools. */
export async function proposedChanges(
  { db, previewMemory }: Pick<ApiDeps, 'db' | 'previewMemory'>,
  { status, isClient, agentId, conversationId, toolName, arguments: args }: Approval,
): Promise<ProposedChanges | null> {
  if (status !== 'pending' || isClient) return null;
  const current = (await blocksOfThread(db, { agentId, conversationId })).map((block) =>
    toMemoryBlock({ ...block, read_only: block.readOnly }),
  );
  const known = await asKnownInThread(db, conversationId, current);
  const preview = previewMemory({ name: toolName, arguments: args }, known);
  return preview && { ...preview, changes: preview.changes.map((change) => toProposed(change, current)) };
}

function toProposed(change: MemoryChange, current: readonly MemoryBlock[]): ProposedChange {
  if (change.kind === 'create') {
    const { kind, label, value } = change;
    return {
      kind,
      blockId: null,
      label,
      version: null,
      currentVersion: null,
      diff: diffOf('', value),
      isConflict: false,
    };
  }
  const { kind, block } = change;
  const now = current.find(({ id }) => id === block.id);
  const write = kind === 'write' ? { before: block.value, after: change.value } : null;
  return {
    kind,
    blockId: block.id,
    label: kind === 'rename' ? change.label : block.label,
    version: block.version,
    currentVersion: now?.version ?? null,
    diff: write ? diffOf(write.before, write.after) : '',
    isConflict: write !== null && now !== undefined && withWrite(now.value, write) === null,
  };
}
