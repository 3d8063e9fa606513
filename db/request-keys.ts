import type { MultitaskStrategy } from '../domain/inbox';
import { checkSameRequest, type RequestIdentity } from '../domain/request-identity';
import { findActiveRun } from './conversations';
import { mintRun, type MintedRun, type RunToMint, type StoppedRun } from './mint-run';
import { inTransaction, type Pool, type Queryable } from './pool';
import { type Stopping, stopTurn } from './stop-turn';

/** A run that an earlier sending of the same request stored. */
export interface EarlierRun {
  readonly id: string;
  readonly background: boolean;
  readonly createdAt: Date;
}

/** How long a request without a name is remembered by its fingerprint. */
export const REMEMBERED = '1 hour';

/** What became of a request: its run, the run it has already, or the run that keeps its conversation busy. */
export type MintOutcome =
  | { readonly minted: MintedRun; readonly stopped?: StoppedRun | null }
  | { readonly earlier: EarlierRun }
  | { readonly busyWith: string };

/**
 * Stores the run unless an earlier sending of the same request did: then nothing is stored and that run is returned.
 * Two sendings that arrive at once make one run: named ones meet at a unique index, an SDK's retry waits for the
 * statement that stores its first sending. A first sending without a name that may wait costs one statement.
 */
export async function mintOnce(
  pool: Pool,
  run: RunToMint,
  strategy: MultitaskStrategy = 'enqueue',
): Promise<MintOutcome> {
  const { identity, conversationId } = run;
  if (strategy === 'reject') return inTransaction(pool, (db) => mintIfIdle(db, run));
  if (strategy === 'interrupt' || strategy === 'rollback') {
    return inTransaction(pool, (db) => mintInPlace(db, run, strategy));
  }
  if (identity?.isResent === true && identity.key === null) {
    return inTransaction(pool, async (db) => {
      await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [identity.hash]);
      const earlier = await findEarlierRun(db, conversationId, identity);
      return earlier ? { earlier } : { minted: await mintRun(db, run) };
    });
  }
  const minted = await mintRun(pool, run);
  if (minted.isStored || !identity) return { minted };
  const earlier = await findEarlierRun(pool, conversationId, identity);
  return earlier ? { earlier } : { minted };
}

/** Stores the run unless another one of its conversation is not over. Of two that come at once one is refused. */
async function mintIfIdle(db: Queryable, run: RunToMint): Promise<MintOutcome> {
  const { identity, conversationId } = run;
  await db.query('select from conversations where id = $1 for update', [conversationId]);
  const earlier = identity ? await findEarlierRun(db, conversationId, identity) : null;
  if (earlier) return { earlier };
  const busyWith = await findActiveRun(db, conversationId);
  return busyWith === null ? { minted: await mintRun(db, run) } : { busyWith };
}

/** Stores the run and stops the turn in progress, both or neither. */
async function mintInPlace(db: Queryable, run: RunToMint, how: Stopping): Promise<MintOutcome> {
  const { id, identity, conversationId } = run;
  if (identity?.isResent === true && identity.key === null) {
    await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [identity.hash]);
  }
  const earlier = identity ? await findEarlierRun(db, conversationId, identity) : null;
  if (earlier) return { earlier };
  const minted = await mintRun(db, run);
  if (!minted.isStored) return { minted };
  return { minted, stopped: await stopTurn(db, conversationId, { how, byRunId: id }) };
}

/** The run of an earlier sending of this request; null if there is none. `VALIDATION` if its key is another request's. */
export async function findEarlierRun(
  db: Queryable,
  conversationId: string,
  identity: RequestIdentity,
): Promise<EarlierRun | null> {
  if (identity.key === null && !identity.isResent) return null;
  const { rows } = await db.query<EarlierRun & { hash: string }>(
    `select id, background, created_at as "createdAt", request_hash as hash from runs
      where conversation_id = $1 and ${isSameRequest(identity)}
      order by created_at desc limit 1`,
    [conversationId, identity.key ?? identity.hash],
  );
  const row = rows[0];
  if (!row) return null;
  const { hash, ...run } = row;
  checkSameRequest(identity, { hash, what: run.id });
  return run;
}

/** SQL that tells a row of the same request: by its key in $2, else by its fingerprint there. */
export const isSameRequest = ({ key }: RequestIdentity): string =>
  key === null
    ? `request_key is null and request_hash = $2 and created_at > now() - interval '${REMEMBERED}'`
    : 'request_key = $2';
