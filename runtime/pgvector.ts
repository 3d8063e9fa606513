import fs from 'node:fs';
import path from 'node:path';

/** Where the extension is beside the data of the embedded Postgres, which is where any user that runs it can read. */
export const pgvectorFolder = (home: string): string => path.join(home, 'postgres', 'pgvector');

/**
 * Server settings by which the embedded Postgres finds pgvector; none where it was not fetched. `data` is the cluster's
 * folder, `seen` its name for the server. Postgres takes `..` out of such paths before it follows links, so a link inside
 * of the folder leads to the extension.
 */
export function pgvectorSettings(home: string, data: string, seen: string): readonly string[] {
  if (!fs.existsSync(path.join(pgvectorFolder(home), 'extension', 'vector.control'))) return [];
  const link = path.join(data, 'pgvector');
  fs.rmSync(link, { force: true });
  fs.symlinkSync(path.join('..', 'pgvector'), link);
  return [
    `extension_control_path=${seen}/pgvector:$system`,
    `dynamic_library_path=${seen}/pgvector/lib:$libdir`,
  ];
}
