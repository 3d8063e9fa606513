import type { NewPassage } from '../../domain/archive';
import { storable } from '../json';
import type { Queryable } from '../pool';

/**
 * For each passage, the id of one of the same text and tags that was stored in the last ten minutes, or null: what a client
 * sends again after a lost answer. Each is named once.
 */
export async function findSamePassages(
  db: Queryable,
  archiveId: string,
  passages: readonly Pick<NewPassage, 'text' | 'tags'>[],
): Promise<readonly (string | null)[]> {
  const { rows } = await db.query<{ id: string; text: string; tags: readonly string[] }>(
    `select id, text, tags from passages
      where archive_id = $1 and updated_at > now() - interval '10 minutes' and text = any($2) order by updated_at, id`,
    [archiveId, passages.map(({ text }) => storable(text))],
  );
  const left = [...rows];
  return passages.map(({ text, tags }) => {
    const place = left.findIndex(
      (row) => row.text === storable(text) && row.tags.join('\n') === tags.join('\n'),
    );
    return place === -1 ? null : (left.splice(place, 1)[0]?.id ?? null);
  });
}
