import { type Archive, type ArchiveFields, type ArchiveSummary, defaultArchive } from '../../domain/archive';
import { AppError } from '../../domain/errors';
import { newId } from '../../new-id';
import { agentNotFound } from '../agents';
import { type Columns, insertRow, updateSet } from '../columns';
import { createConditions, type Page, selectPage } from '../keyset';
import type { Queryable } from '../pool';

const COLUMNS: Columns<ArchiveFields> = {
  name: ['name'],
  description: ['description'],
  embedding: ['embedding'],
  embeddingConfig: ['embedding_config', 'jsonb'],
  metadata: ['metadata', 'jsonb'],
};

interface ArchiveRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly embedding: string | null;
  readonly embedding_config: Archive['embeddingConfig'];
  readonly metadata: Archive['metadata'];
  readonly created_at: Date;
  readonly updated_at: Date;
}

const toArchive = (row: ArchiveRow): Archive => ({
  id: row.id,
  name: row.name,
  description: row.description,
  embedding: row.embedding,
  embeddingConfig: row.embedding_config,
  metadata: row.metadata,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

const archiveNotFound = (id: string): AppError =>
  new AppError('NOT_FOUND', `Archive with id '${id}' not found`);

export async function insertArchive(
  db: Queryable,
  archive: ArchiveFields & { readonly id: string },
): Promise<Archive> {
  const { text, values } = insertRow('archives', COLUMNS, archive);
  const { rows } = await db.query<ArchiveRow>(`${text} returning *`, values);
  return toArchive(rows[0] as ArchiveRow);
}

/** The archive with this id; NOT_FOUND without one. */
export async function getArchive(db: Queryable, id: string): Promise<Archive> {
  const { rows } = await db.query<ArchiveRow>('select * from archives where id = $1', [id]);
  if (!rows[0]) throw archiveNotFound(id);
  return toArchive(rows[0]);
}

/** The archive with this id, locked until the transaction ends: no passage is stored in it meanwhile. */
export async function lockArchive(db: Queryable, id: string): Promise<Archive> {
  const { rows } = await db.query<ArchiveRow>('select * from archives where id = $1 for no key update', [id]);
  if (!rows[0]) throw archiveNotFound(id);
  return toArchive(rows[0]);
}

/** Writes the given fields; NOT_FOUND without such an archive. */
export async function updateArchive(
  db: Queryable,
  id: string,
  patch: Partial<ArchiveFields>,
): Promise<Archive> {
  const { set, values } = updateSet(COLUMNS, patch, 2);
  const { rows } = await db.query<ArchiveRow>(
    `update archives set ${set === '' ? '' : `${set}, `}updated_at = now() where id = $1 returning *`,
    [id, ...values],
  );
  if (!rows[0]) throw archiveNotFound(id);
  return toArchive(rows[0]);
}

/** Deletes an archive with its passages and takes it from its agents; NOT_FOUND without one. */
export async function deleteArchive(db: Queryable, id: string): Promise<void> {
  const { rowCount } = await db.query('delete from archives where id = $1', [id]);
  if (rowCount === 0) throw archiveNotFound(id);
}

/** One page of the archives of this name, or of this agent. */
export async function listArchives(
  db: Queryable,
  { name, agentId }: { readonly name?: string | undefined; readonly agentId?: string | undefined },
  page: Page,
): Promise<readonly Archive[]> {
  const conditions = createConditions();
  if (name !== undefined) conditions.add('archives.name = ?', name);
  if (agentId !== undefined) {
    conditions.add('archives.id in (select archive_id from agent_archives where agent_id = ?)', agentId);
  }
  const rows = await selectPage<ArchiveRow>(db, {
    table: 'archives',
    select: 'select archives.* from archives',
    ...conditions,
    sortBy: (t) => `${t}.created_at`,
    page,
  });
  return rows.map(toArchive);
}

/** The ids of the agents that have the archive, in the order in which they got it. */
export async function agentsOfArchive(db: Queryable, id: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ agent_id: string }>(
    `select agent_id from agent_archives where archive_id = $1 order by created_at, agent_id`,
    [id],
  );
  return rows.map((row) => row.agent_id);
}

/** The archive that an agent writes to; null before its first passage. */
export async function findArchiveOf(db: Queryable, agentId: string): Promise<Archive | null> {
  const { rows } = await db.query<ArchiveRow>(
    `select a.* from agent_archives aa join archives a on a.id = aa.archive_id where aa.agent_id = $1`,
    [agentId],
  );
  return rows[0] ? toArchive(rows[0]) : null;
}

/**
 * The archive that an agent writes to, made in the caller's transaction if there is none, with the embedding model of the
 * agent. Whoever does the same at once waits and finds it.
 */
export async function requireArchiveOf(db: Queryable, agentId: string): Promise<Archive> {
  const found = await findArchiveOf(db, agentId);
  if (found) return found;
  await db.query(`select pg_advisory_xact_lock(hashtextextended('everturn.archive-of/' || $1, 0))`, [
    agentId,
  ]);
  const made = await findArchiveOf(db, agentId);
  if (made) return made;
  const { rows } = await db.query<Pick<ArchiveRow, 'name' | 'embedding' | 'embedding_config'>>(
    `select name, embedding, embedding_config from agents where id = $1`,
    [agentId],
  );
  const agent = rows[0];
  if (!agent) throw agentNotFound(agentId);
  const archive = await insertArchive(db, {
    id: newId('archive'),
    ...defaultArchive(agent.name),
    embedding: agent.embedding,
    embeddingConfig: agent.embedding_config,
    metadata: null,
  });
  await db.query(`insert into agent_archives (agent_id, archive_id, is_owner) values ($1, $2, true)`, [
    agentId,
    archive.id,
  ]);
  return archive;
}

/** Gives an agent an archive; doing it again changes nothing. CONFLICT while the agent has another one. */
export async function attachArchive(db: Queryable, agentId: string, archiveId: string): Promise<void> {
  const { rows } = await db.query<{ archive_id: string }>(
    `insert into agent_archives (agent_id, archive_id) values ($1, $2)
     on conflict (agent_id) do update set agent_id = excluded.agent_id returning archive_id`,
    [agentId, archiveId],
  );
  if (rows[0]?.archive_id === archiveId) return;
  throw new AppError(
    'CONFLICT',
    `CONFLICT: Agent ${agentId} has an archive already (${String(rows[0]?.archive_id)}); an agent has one at most. ` +
      'Detach that one first.',
  );
}

/** Takes an archive from an agent; its passages stay. Nothing happens if the agent does not have it. */
export async function detachArchive(db: Queryable, agentId: string, archiveId: string): Promise<void> {
  await db.query(`delete from agent_archives where agent_id = $1 and archive_id = $2`, [agentId, archiveId]);
}

// More would crowd the prompt.
const MOST_TAGS = 100;

/** How many passages an agent can search, and their tags. */
export async function summarizeArchiveOf(db: Queryable, agentId: string): Promise<ArchiveSummary> {
  const { rows } = await db.query<{ count: number; tags: string[] }>(
    `with mine as (select p.tags from passages p join agent_archives aa on aa.archive_id = p.archive_id
                    where aa.agent_id = $1)
     select (select count(*) from mine) as count,
            array(select distinct tag from mine, unnest(mine.tags) tag order by tag limit ${MOST_TAGS}) as tags`,
    [agentId],
  );
  return rows[0] ?? { count: 0, tags: [] };
}
