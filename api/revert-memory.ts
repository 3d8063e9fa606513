import {
  deletePassage,
  insertPassages,
  lockPassage,
  passageNotFound,
  rewritePassage,
} from '../db/archives/passages';
import { lockBlock, updateBlock } from '../db/blocks';
import { setMemoryAuthor } from '../db/memory-author';
import { findLastVersion, getVersion, type PassageOfArchive } from '../db/memory-history';
import { inTransaction, type Pool, type Queryable } from '../db/pool';
import { writesAfterMessage } from '../db/writes-after';
import { checkPassageText } from '../domain/archive';
import { type Block, checkBlockValue } from '../domain/block';
import { AppError } from '../domain/errors';
import {
  type BlockVersion,
  contentAfter,
  isSameContent,
  type MemoryWrite,
  type PassageContent,
  type PassageVersion,
  passageWithoutWrite,
  withoutWrite,
} from '../domain/memory-history';

/** Gives a block the value that it had at a version, as a version of its own. */
export function revertBlock(db: Pool, blockId: string, version: number): Promise<Block> {
  return inTransaction(db, async (tx) => {
    const block = await lockBlock(tx, blockId);
    const found = await getVersion(tx, { kind: 'block', id: blockId }, version);
    await setMemoryAuthor(tx, { kind: 'revert', revertedTo: version });
    return write(tx, block, found.kind === 'block' ? found.value : '');
  });
}

/**
 * Makes a passage what it was at a version, as a version of its own: a deleted one comes back under its id, and one that
 * was deleted at that version goes. Null where it goes.
 */
export function revertPassage(
  db: Pool,
  passage: PassageOfArchive,
  version: number,
): Promise<PassageVersion | null> {
  return inTransaction(db, async (tx) => {
    const now = await lockPassage(tx, passage.archiveId, passage.id);
    const found = await getVersion(tx, { kind: 'passage', id: passage.id }, version);
    if (found.kind !== 'passage' || found.archiveId !== passage.archiveId) throw notInArchive(passage);
    const wanted = contentAfter(found);
    await setMemoryAuthor(tx, { kind: 'revert', revertedTo: version });
    await store(tx, found, now, wanted);
    return wanted && lastVersion(tx, passage);
  });
}

const notInArchive = ({ id, archiveId }: PassageOfArchive): AppError =>
  new AppError('NOT_FOUND', `Archive '${archiveId}' never had a passage '${id}'`);

/** Changes what is given of a passage, as a version of its own. NOT_FOUND without the passage. */
export function changePassage(
  db: Pool,
  passage: PassageOfArchive,
  patch: Partial<PassageContent>,
): Promise<PassageVersion> {
  return inTransaction(db, async (tx) => {
    const now = await lockPassage(tx, passage.archiveId, passage.id);
    if (!now) throw passageNotFound(passage.id);
    if (patch.text !== undefined) checkPassageText(patch.text);
    await rewritePassage(tx, passage.id, { ...now, ...patch });
    return lastVersion(tx, passage);
  });
}

/** What taking writes back changed: blocks as they are, and the versions that passages took. */
export interface Unlearned {
  readonly blocks: readonly Block[];
  readonly passages: readonly PassageVersion[];
}

/**
 * Takes back everything that a message taught, newest first, in all blocks and passages or in none. Later writes to other
 * lines stay; CONFLICT where they are to the same ones. Doing it again changes nothing.
 */
export function unlearnMessage(db: Pool, messageId: string): Promise<Unlearned> {
  return inTransaction(db, async (tx) => {
    const writes = await writesAfterMessage(tx, messageId);
    await setMemoryAuthor(tx, { kind: 'revert', revertedMessageId: messageId });
    const blocks = await unlearnBlocks(
      tx,
      messageId,
      writes.filter((each) => each.kind === 'block'),
    );
    const passages = await unlearnPassages(
      tx,
      messageId,
      writes.filter((each) => each.kind === 'passage'),
    );
    return { blocks, passages };
  });
}

/** The writes of each block or passage, newest first; in the order of ids, in which tools lock them too. */
function byId<Write extends MemoryWrite>(writes: readonly Write[]): readonly [string, readonly Write[]][] {
  const ids = [...new Set(writes.map(({ id }) => id))].sort();
  return ids.map((id) => [id, writes.filter((write) => write.id === id).reverse()]);
}

/** Whether the last write took this very message back, as that of a request that is sent again did. */
async function isTakenBack(tx: Queryable, id: string, messageId: string): Promise<boolean> {
  const last = await findLastVersion(tx, id);
  return last?.author.revertedMessageId === messageId;
}

async function unlearnBlocks(
  tx: Queryable,
  messageId: string,
  writes: readonly BlockVersion[],
): Promise<readonly Block[]> {
  const stored: Block[] = [];
  for (const [id, own] of byId(writes)) {
    const block = await lockBlock(tx, id);
    if (await isTakenBack(tx, id, messageId)) continue;
    const value = own.reduce((now, { version, before, value: after }) => {
      const taken = withoutWrite(now, { before: before ?? '', after });
      if (taken === null) throw overwritten(`the lines that version ${version} of block '${id}' brought`);
      return taken;
    }, block.value);
    stored.push(await write(tx, block, value));
  }
  return stored;
}

async function unlearnPassages(
  tx: Queryable,
  messageId: string,
  writes: readonly PassageVersion[],
): Promise<readonly PassageVersion[]> {
  const stored: PassageVersion[] = [];
  for (const [id, own] of byId(writes)) {
    const [last] = own;
    if (!last) continue;
    const now = await lockPassage(tx, last.archiveId, id);
    if (await isTakenBack(tx, id, messageId)) continue;
    const wanted = own.reduce<PassageContent | null>((content, each) => {
      const taken = passageWithoutWrite(content, { before: each.before, after: contentAfter(each) });
      if (taken === 'overwritten')
        throw overwritten(`what version ${each.version} of passage '${id}' brought`);
      return taken;
    }, now);
    if (await store(tx, last, now, wanted)) stored.push(await lastVersion(tx, last));
  }
  return stored;
}

const overwritten = (what: string): AppError =>
  new AppError(
    'CONFLICT',
    `CONFLICT: Later writes changed ${what}, so nothing was taken back. Look at its history and revert it to a version, ` +
      'or edit it.',
  );

async function write(tx: Queryable, block: Block, value: string): Promise<Block> {
  checkBlockValue({ ...block, value });
  return updateBlock(tx, block.id, { value });
}

/** Makes a locked passage what it is to be; null is no passage. False where it was that already. */
async function store(
  tx: Queryable,
  { id, archiveId, passageCreatedAt: createdAt }: PassageVersion,
  now: PassageContent | null,
  wanted: PassageContent | null,
): Promise<boolean> {
  if (isSameContent(now, wanted)) return false;
  if (!wanted) await deletePassage(tx, archiveId, id);
  else if (now) await rewritePassage(tx, id, wanted);
  else await insertPassages(tx, archiveId, [{ passage: { id, ...wanted, createdAt }, embedding: null }]);
  return true;
}

async function lastVersion(tx: Queryable, passage: PassageOfArchive): Promise<PassageVersion> {
  const last = await findLastVersion(tx, passage.id);
  if (last?.kind === 'passage') return last;
  throw new AppError('INTERNAL', `passage '${passage.id}' has no history`);
}
