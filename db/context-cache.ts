import { LRUCache } from 'lru-cache';
import type { Message } from '../domain/message';
import { MESSAGE_COLUMNS, rowToMessage, type MessageRow } from './message-row';
import type { Queryable } from './pool';

/** Names one state of a thread's context, see migration 0015: two states with one name hold the same messages. */
export interface ContextMark {
  readonly epoch: number;
  readonly length: number;
}

/** Reads contexts and keeps what it read. */
export interface ContextCache {
  /**
   * What the model reads of a thread, oldest first, as it is stored now. `mark` is what a statement of this moment said of
   * it: where that is the state which is kept, nothing is read, and where messages came after it, only those.
   */
  read(conversationId: string, mark: ContextMark): Promise<readonly Message[]>;
  /** How much is kept, in bytes as they are estimated. */
  readonly bytes: number;
}

/** What a process keeps unless it is told otherwise: some 60,000 short messages. */
export const CONTEXT_CACHE_BYTES = 64 * 2 ** 20;

interface Kept extends ContextMark {
  readonly messages: readonly Message[];
  /** The last place of the context: what joins at its end lies behind it. */
  readonly last: number;
  readonly bytes: number;
}

/**
 * A cache over one database. It is right whoever writes: what is kept counts only where Postgres names the same epoch, and
 * as many messages as the kept and the new ones together, in the statement that reads the new ones. Least recently used
 * threads go first.
 */
export function createContextCache(db: Queryable, maxBytes: number = CONTEXT_CACHE_BYTES): ContextCache {
  const cache = new LRUCache<string, Kept>({
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: ({ bytes }) => bytes,
  });

  async function current(conversationId: string, mark: ContextMark): Promise<Kept> {
    const kept = cache.get(conversationId);
    if (!kept || kept.epoch !== mark.epoch || kept.length > mark.length)
      return readRows(db, conversationId, null);
    if (kept.length === mark.length) return kept;
    const grown = await readRows(db, conversationId, kept);
    const isWhole = grown.epoch === kept.epoch && grown.messages.length === grown.length;
    return isWhole ? grown : readRows(db, conversationId, null);
  }

  return {
    async read(conversationId, mark) {
      const read = await current(conversationId, mark);
      // What a slower reader brings must not take the place of something newer; it would only be read again.
      const other = cache.get(conversationId);
      const isOlder =
        other?.epoch === read.epoch ? other.length > read.length : (other?.epoch ?? 0) > read.epoch;
      if (!isOlder) cache.set(conversationId, read);
      return read.messages;
    },
    get bytes() {
      return cache.calculatedSize;
    },
  };
}

/** The state of a thread's context at this moment. */
export async function readMark(db: Queryable, conversationId: string): Promise<ContextMark> {
  const { rows } = await db.query<ContextMark>(
    `select context_epoch as epoch, context_length as length from conversations where id = $1`,
    [conversationId],
  );
  return rows[0] ?? { epoch: 0, length: 0 };
}

interface Row extends MessageRow, ContextMark {
  /** Null, as all of the message, where there is none. */
  readonly place: number | null;
}

const COLUMNS = MESSAGE_COLUMNS.split(', ')
  .map((column) => `m.${column}`)
  .join(', ');
const SELECT = `select c.context_epoch as epoch, c.context_length as length, coalesce(m.context_seq, m.seq) as place, ${COLUMNS}
  from conversations c left join messages m on m.conversation_id = c.id and m.in_context`;

/** One statement, so that the messages and what Postgres says of them are of one moment. */
async function readRows(db: Queryable, conversationId: string, kept: Kept | null): Promise<Kept> {
  const { rows } = kept
    ? await db.query<Row>({
        name: 'read-context-after',
        text: `${SELECT} and m.seq > $2 and m.context_seq is null where c.id = $1`,
        values: [conversationId, kept.last],
      })
    : await db.query<Row>({
        name: 'read-context-whole',
        text: `${SELECT} where c.id = $1`,
        values: [conversationId],
      });
  const { epoch = 0, length = 0 } = rows[0] ?? {};
  // Sorted here: Postgres would sort whole rows, in a file where they are many.
  const placed = rows.flatMap((row) => (row.place === null ? [] : [{ place: row.place, row }]));
  placed.sort((a, b) => a.place - b.place);
  const added = placed.map(({ row }) => rowToMessage(row));
  return {
    epoch,
    length,
    messages: kept ? [...kept.messages, ...added] : added,
    last: placed.at(-1)?.place ?? kept?.last ?? 0,
    bytes: added.reduce((sum, message) => sum + sizeOf(message), kept?.bytes ?? OBJECT_BYTES),
  };
}

// What Node keeps of a message beside its text, with all of its ids: 750 bytes were measured.
const OBJECT_BYTES = 800;

/** Strings of other alphabets take two bytes a character; all are counted so. */
const sizeOf = ({ parts }: Message): number => OBJECT_BYTES + 2 * JSON.stringify(parts).length;
