import { LRUCache } from 'lru-cache';
import { normalized } from '../../domain/vector';
import type { Pool } from '../pool';
import { fromBytes } from './vector-bytes';
import { scopeKey, type VectorIndex, type VectorScope } from './vector-table';

/** Vectors of length 1 by row, side by side in one block of memory. */
interface VectorSet {
  readonly places: Map<string, number>;
  readonly ids: string[];
  numbers: Float32Array;
  /** Transactions from here on may have written vectors that the set lacks. */
  since: string;
}

// 220,000 vectors of 384 numbers, or 57,000 of 1,536. Comparing with more would take too long as well; pgvector is for that many.
const MOST_BYTES = 512 * 1024 * 1024;

/**
 * Exact nearest neighbours over vectors in memory. A set is brought up to date before each look, by what was written since:
 * a search sees every vector that was committed before it began.
 */
export function createVectorCache(pool: Pool, maxBytes = MOST_BYTES): VectorIndex {
  const sets = new LRUCache<string, VectorSet>({
    maxSize: maxBytes,
    sizeCalculation: ({ numbers, ids }) => Math.max(1, numbers.byteLength + ids.length * 128),
  });
  const underWay = new Map<string, Promise<VectorSet | null>>();

  // A set that the cache can't hold would be read anew by every search.
  const mostOf = ({ dimensions }: VectorScope) => Math.floor(maxBytes / (1.5 * 4 * dimensions + 128));

  /** One update at a time; a caller that came while one was under way needs the next. */
  async function current(scope: VectorScope): Promise<VectorSet | null> {
    const key = scopeKey(scope);
    const previous = underWay.get(key) ?? Promise.resolve(null);
    const mine = previous
      .catch(() => null)
      .then(async () => {
        const set = await refresh(pool, scope, { set: sets.get(key) ?? emptySet(), most: mostOf(scope) });
        // A copy, or the cache would keep the size that the set had when it came.
        if (set) sets.set(key, { ...set });
        else sets.delete(key);
        return set;
      });
    underWay.set(key, mine);
    try {
      return await mine;
    } finally {
      if (underWay.get(key) === mine) underWay.delete(key);
    }
  }

  return {
    async nearest(scope, query, { limit, among }) {
      const set = await current(scope);
      return set && closest(set, normalized(query), { limit, among });
    },
    forget(scope, ids) {
      const set = sets.get(scopeKey(scope));
      for (const id of ids) set?.places.delete(id);
    },
  };
}

const emptySet = (): VectorSet => ({
  places: new Map(),
  ids: [],
  numbers: new Float32Array(0),
  since: '0',
});

/** SQL of the rows of a scope, whose owner, model and dimensions are the first three parameters. */
const inScope = ({ table }: VectorScope): string =>
  `($1::text is null or ${table.owner} = $1) and embedding_model = $2 and embedding_dim = $3`;

/** The set with everything that was committed by now; null when that is too much to hold. */
async function refresh(
  pool: Pool,
  scope: VectorScope,
  { set, most }: { readonly set: VectorSet; readonly most: number },
): Promise<VectorSet | null> {
  if (set.ids.length === 0 && (await exceeds(pool, scope, most))) return null;
  const { rows } = await pool.query<{ xmin: string; id: string | null; embedding: Buffer }>({
    name: `vectors-since-${scope.table.name}`,
    text: `select seen.xmin, p.id, p.embedding
       from (select pg_snapshot_xmin(pg_current_snapshot())::text as xmin) seen
            left join lateral (
              select id, embedding from ${scope.table.name} where ${inScope(scope)} and embedded_in >= $4::xid8 limit $5) p on true`,
    values: [scope.owner, scope.model, scope.dimensions, set.since, most + 1],
  });
  const found = rows.flatMap(({ id, embedding }) => (id === null ? [] : [{ id, embedding }]));
  const added = found.filter(({ id }) => !set.places.has(id)).length;
  // Places of what is gone are not used again: a set that is full of them is begun anew.
  if (set.ids.length + added > most)
    return set.ids.length === 0 ? null : refresh(pool, scope, { set: emptySet(), most });
  reserve(set, (set.ids.length + added) * scope.dimensions);
  for (const { id, embedding } of found) {
    const place = set.places.get(id) ?? set.ids.push(id) - 1;
    set.places.set(id, place);
    set.numbers.set(normalized(fromBytes(embedding)), place * scope.dimensions);
  }
  set.since = rows[0]?.xmin ?? set.since;
  return set;
}

async function exceeds(pool: Pool, scope: VectorScope, most: number): Promise<boolean> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) from (select from ${scope.table.name} where ${inScope(scope)} limit $4) counted`,
    [scope.owner, scope.model, scope.dimensions, most + 1],
  );
  return (rows[0]?.count ?? 0) > most;
}

/** Room for so many numbers; grows by half, so that single inserts do not copy everything each time. */
function reserve(set: VectorSet, length: number): void {
  if (set.numbers.length >= length) return;
  const grown = new Float32Array(set.numbers.length === 0 ? length : Math.ceil(length * 1.5));
  grown.set(set.numbers);
  set.numbers = grown;
}

function closest(
  { places, numbers }: VectorSet,
  query: Float32Array,
  { limit, among }: { readonly limit: number; readonly among: ReadonlySet<string> | null },
): readonly string[] {
  const best: { readonly id: string; readonly score: number }[] = [];
  for (const [id, place] of places) {
    if (among && !among.has(id)) continue;
    const score = dotProduct(numbers, place * query.length, query);
    const last = best.at(-1);
    if (last && best.length === limit && score <= last.score) continue;
    let at = best.length;
    while (at > 0 && (best[at - 1]?.score ?? score) < score) at--;
    best.splice(at, 0, { id, score });
    if (best.length > limit) best.pop();
  }
  return best.map(({ id }) => id);
}

function dotProduct(numbers: Float32Array, offset: number, query: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < query.length; at++) sum += (numbers[offset + at] ?? 0) * (query[at] ?? 0);
  return sum;
}
