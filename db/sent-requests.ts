import { checkSameRequest, type RequestIdentity } from '../domain/request-identity';
import type { Queryable } from './pool';
import { isSameRequest, REMEMBERED } from './request-keys';

/** A request that stores things: in an archive or a folder, or a batch. */
export interface SentRequest {
  readonly place: string;
  readonly identity: RequestIdentity;
}

/** What a request stores, and how it is read again. */
export interface Storing<T> {
  /** What is left of the things with these ids. */
  readonly find: (ids: readonly string[]) => Promise<readonly T[]>;
  readonly store: () => Promise<readonly T[]>;
}

/**
 * What is left of what an earlier sending of the request stored, else what `store` stores, in the caller's transaction. Sendings
 * that arrive at once store one time. `VALIDATION` if the key is another request's; when nothing is left it is free again.
 */
export async function storeOnce<T extends { readonly id: string }>(
  db: Queryable,
  { place, identity }: SentRequest,
  { find, store }: Storing<T>,
): Promise<readonly T[]> {
  const { key, hash } = identity;
  await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${place}\n${key ?? hash}`]);
  const earlier = await findEarlier(db, { place, identity });
  const left = earlier ? await find(earlier.ids) : [];
  if (earlier && left.length > 0) {
    checkSameRequest(identity, { hash: earlier.hash, what: left.map(({ id }) => id).join(', ') });
    return left;
  }
  const stored = await store();
  await db.query(
    `with forgotten as (delete from sent_requests
                         where place = $1 and request_key is null and created_at < now() - interval '${REMEMBERED}')
     insert into sent_requests (place, request_key, request_hash, ids) values ($1, $2, $3, $4)
     on conflict (place, request_key) where request_key is not null
     do update set request_hash = excluded.request_hash, ids = excluded.ids, created_at = excluded.created_at`,
    [place, key, hash, stored.map(({ id }) => id)],
  );
  return stored;
}

async function findEarlier(
  db: Queryable,
  { place, identity }: SentRequest,
): Promise<{ readonly ids: readonly string[]; readonly hash: string } | null> {
  if (identity.key === null && !identity.isResent) return null;
  const { rows } = await db.query<{ ids: readonly string[]; hash: string }>(
    `select ids, request_hash as hash from sent_requests
      where place = $1 and ${isSameRequest(identity)} order by created_at desc limit 1`,
    [place, identity.key ?? identity.hash],
  );
  return rows[0] ?? null;
}
