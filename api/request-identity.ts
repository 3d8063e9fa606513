import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { AppError } from '../domain/errors';
import { canonicalJson, keyOfHeader, keyOfOtids, type RequestIdentity } from '../domain/request-identity';

/** What a request asks for. The same body sent for two of them is two requests. */
export type RouteKind =
  | 'messages'
  | 'conversation'
  | 'stream'
  | 'async'
  | 'chat'
  | 'compact'
  | 'tool'
  | 'passages'
  | 'file'
  | 'batch';

const MAX_KEY_LENGTH = 255;

/**
 * What names this request, so that sending it again does nothing twice: the `Idempotency-Key` header, else the otids
 * that the client gave its messages (to an agent with the rest of the body, for there the original runs them again), else
 * nothing but the fingerprint, which counts only where the SDK's `x-stainless-retry-count` says that this is another
 * attempt.
 */
export function requestIdentity(
  req: Request,
  {
    kind,
    place,
    body = req.body,
  }: {
    readonly kind: RouteKind;
    /** The conversation, or the path where there is none. */
    readonly place: string;
    /** What is asked for, where it is more than the JSON of the request. */
    readonly body?: unknown;
  },
): RequestIdentity {
  const header = req.get('idempotency-key');
  if (header !== undefined && header.length > MAX_KEY_LENGTH) {
    throw new AppError(
      'INVALID_ARGUMENT',
      `INVALID_ARGUMENT: Idempotency-Key is longer than ${MAX_KEY_LENGTH} characters.`,
    );
  }
  return {
    key: header ? keyOfHeader(header) : fitting(otidKey(kind, body)),
    hash: fingerprint(kind, place, body),
    isResent: Number(req.get('x-stainless-retry-count') ?? 0) >= 1,
  };
}

/** The fingerprint of a request: equal for equal JSON, whatever the order of its keys. */
export const fingerprint = (kind: RouteKind, place: string, body: unknown): string =>
  sha256(`${kind}\n${place}\n${canonicalJson(body)}`);

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
