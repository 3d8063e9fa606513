import { AppError } from './errors';

/** What makes a request that is sent again known for what it is. */
export interface RequestIdentity {
  /** The client's own name for the request, unique in its place; null if it gave none. */
  readonly key: string | null;
  /** The fingerprint of what was asked, and where. */
  readonly hash: string;
  /** The client says that it sends the request again. */
  readonly isResent: boolean;
}

const IDEMPOTENCY_KEY = 'key:';
const OTIDS = 'otid:';

/** The key of a request with an `Idempotency-Key` header. */
export const keyOfHeader = (header: string): string => IDEMPOTENCY_KEY + header;

/** The key of a request whose messages all carry a client-made otid; null if one does not. Their order is irrelevant. */
export function keyOfOtids(messages: readonly unknown[]): string | null {
  const otids = messages.map(otidOf);
  if (otids.length === 0 || otids.includes(null)) return null;
  return OTIDS + [...new Set(otids)].sort().join('|');
}

/**
 * Passes if a request is the earlier one that its key names; else `VALIDATION`, which says `what` the other one stored. Keys made
 * of otids pass: otids name messages, and whoever repeats them means the same messages.
 */
export function checkSameRequest(
  { key, hash }: RequestIdentity,
  earlier: { readonly hash: string; readonly what: string },
): void {
  if (!key?.startsWith(IDEMPOTENCY_KEY) || hash === earlier.hash) return;
  throw new AppError(
    'VALIDATION',
    `This Idempotency-Key was used for another request here (${earlier.what}); ` +
      'use a fresh key for a new request, or send the same body again.',
    { facts: { plain: true } },
  );
}

function otidOf(message: unknown): string | null {
  if (typeof message !== 'object' || message === null || !('otid' in message)) return null;
  return typeof message.otid === 'string' && message.otid !== '' ? message.otid : null;
}

/** JSON whose text does not depend on the order in which keys were written. Absent and undefined are the same. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value === undefined ? null : value);
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}
