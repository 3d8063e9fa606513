import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { AppError } from '../domain/errors';
import { canonicalJson, keyOfHeader, keyOfOtids, type RequestIdentity } from '../domain/request-identity';

/** Ways to ask for a turn, or for a call of a tool by hand. The same body sent to two of them is two requests. */
export type RouteKind = 'messages' | 'conversation' | 'stream' | 'async' | 'chat' | 'compact' | 'tool';

const MAX_KEY_LENGTH = 255;

/**
 * What names this request, so that sending it again is not a second turn: the `Idempotency-Key` header, else the otids
 * that the client gave its messages (to an agent with the rest of the body, for there the original runs them again), else
 * nothing but the fingerprint, which counts only where the SDK's `x-stainless-retry-count` says that this is another
 * attempt.
 */
export function requestIdentity(
  req: Request,
  { kind, conversationId }: { readonly kind: RouteKind; readonly conversationId: string },
): RequestIdentity {
  const body: unknown = req.body;
  const header = req.get('idempotency-key');
  if (header !== undefined && header.length > MAX_KEY_LENGTH) {
    throw new AppError(
      'INVALID_ARGUMENT',
      `INVALID_ARGUMENT: Idempotency-Key is longer than ${MAX_KEY_LENGTH} characters.`,
    );
  }
  return {
    key: header ? keyOfHeader(header) : fitting(otidKey(kind, body)),
    hash: fingerprint(kind, conversationId, body),
    isResent: isResent(req),
  };
}

/** Whether the SDK says that it sends this request again. */
export const isResent = (req: Request): boolean => Number(req.get('x-stainless-retry-count') ?? 0) >= 1;

/** The fingerprint of a request: equal for equal JSON, whatever the order of its keys. */
export const fingerprint = (kind: RouteKind, conversationId: string, body: unknown): string =>
  sha256(`${kind}\n${conversationId}\n${canonicalJson(body)}`);

function otidKey(kind: RouteKind, body: unknown): string | null {
  const otids = keyOfOtids(messagesOf(body));
  return otids === null || kind === 'conversation' ? otids : `${otids}|${sha256(canonicalJson(body))}`;
}

// An index holds short keys only.
const fitting = (key: string | null): string | null =>
  key === null || key.length <= MAX_KEY_LENGTH ? key : `otid-hash:${sha256(key)}`;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function messagesOf(body: unknown): readonly unknown[] {
  if (typeof body !== 'object' || body === null || !('messages' in body)) return [];
  return Array.isArray(body.messages) ? body.messages : [];
}
