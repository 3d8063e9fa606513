import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { findFiles } from '../db/folders/files';
import { storeFile } from '../db/folders/store-file';
import { storable } from '../db/json';
import { inTransaction } from '../db/pool';
import { storeOnce } from '../db/sent-requests';
import { AppError } from '../domain/errors';
import { decodeText, PDF, textTypeOf } from '../domain/file-type';
import type { DuplicateHandling, StoredFile } from '../domain/folder';
import { newId } from '../new-id';
import type { ApiDeps } from './deps';
import { requestIdentity } from './request-identity';
import { invalid } from './wire/validation';

/** What a file of a folder may weigh. */
export const MAX_FOLDER_FILE_BYTES = 10 * 1024 * 1024;
const LONGEST_NAME = 255;

/**
 * Stores the uploaded file of a request in a folder, with everything that search finds it by; only vectors come later. A
 * request that is sent again stores nothing twice.
 */
export async function uploadFile(
  { db, readPdf }: Pick<ApiDeps, 'db' | 'readPdf'>,
  req: Request,
  {
    folderId,
    name,
    duplicates,
  }: {
    readonly folderId: string;
    /** Null leaves the file its own. */
    readonly name: string | null;
    readonly duplicates: DuplicateHandling;
  },
): Promise<{ readonly file: StoredFile; readonly isSkipped: boolean }> {
  const given = req.file;
  if (!given) throw invalid([{ type: 'missing', loc: ['body', 'file'], msg: 'Field required', input: null }]);
  const ownName = cleanFileName(given.originalname.split(/[/\\]/).at(-1) ?? '');
  const contentType = textTypeOf(ownName, given.mimetype);
  const originalName = name === null ? ownName : cleanFileName(name);
  if (!isFileName(originalName)) {
    throw new AppError('INVALID_ARGUMENT', 'INVALID_ARGUMENT: The file has no name. Give it one in `name`.');
  }
  const text =
    contentType === PDF ? await readPdf(originalName, given.buffer) : decodeText(originalName, given.buffer);
  const content = storable(text);
  if (Buffer.byteLength(content) > MAX_FOLDER_FILE_BYTES)
    throw new AppError('PAYLOAD_TOO_LARGE', `The text of ${originalName} is larger than 10 MB.`);
  const file = { id: newId('file'), name: null, originalName, contentType, size: given.size, content };
  const sha256 = createHash('sha256').update(given.buffer).digest('hex');
  const identity = requestIdentity(req, {
    kind: 'file',
    place: folderId,
    body: { originalName, contentType, sha256, duplicates },
  });
  return inTransaction(db, async (tx) => {
    const skipped: StoredFile[] = [];
    const find = (ids: readonly string[]) => findFiles(tx, folderId, ids);
    const store = async () => {
      const outcome = await storeFile(tx, { folderId, file, duplicates });
      if (outcome.isSkipped) skipped.push(outcome.file);
      return outcome.isSkipped ? [] : [outcome.file];
    };
    const [stored] = await storeOnce(tx, { place: folderId, identity }, { find, store });
    return { file: (stored ?? skipped[0]) as StoredFile, isSkipped: skipped.length > 0 }; // it is one or the other
  });
}

/** Whether something of a name is left for a file system. */
export const isFileName = (name: string): boolean => !/^\.*$/.test(name);

/** The name of a file without what can't stand in a line, and no longer than a file system would have it; the extension stays. */
export function cleanFileName(name: string): string {
  const clean = storable(name)
    .replace(/[\u0000-\u001f\u007f]/g, '')
    .trim();
  const extension = /\.[^./]{1,20}$/.exec(clean)?.[0] ?? '';
  return clean.length <= LONGEST_NAME ? clean : clean.slice(0, LONGEST_NAME - extension.length) + extension;
}
