import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Request } from 'express';
import { fingerprint, requestIdentity, type RouteKind } from '../../../api/request-identity';
import { canonicalJson } from '../../../domain/request-identity';

const request = (body: unknown, headers: Readonly<Record<string, string>> = {}): Request =>
  ({ body, get: (name: string) => headers[name] }) as unknown as Request; // all that is read of it

const identityOf = (
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  kind: RouteKind = 'conversation',
) => requestIdentity(request(body, headers), { kind, place: 'agent-1' });

const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, shuffled(item)]),
  );
};

it('the canonical form of JSON is JSON of the same value, whatever the order of its keys', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (drawn) => {
      const value: unknown = JSON.parse(JSON.stringify(drawn));

      expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(value);
    }),
  );
});

it('the fingerprint is the sha256 of route, thread and body', () => {
  const expected = createHash('sha256')
    .update('async\nconv-1\n{"a":[1,{"b":2,"c":"x"}],"z":null}')
    .digest('hex');

  expect(fingerprint('async', 'conv-1', { z: null, a: [1, { c: 'x', b: 2 }] })).toBe(expected);
});

it('requests that differ in route, thread or body have different fingerprints', () => {
  const all = [
    fingerprint('messages', 'conv-1', { input: 'a' }),
    fingerprint('stream', 'conv-1', { input: 'a' }),
    fingerprint('messages', 'conv-2', { input: 'a' }),
    fingerprint('messages', 'conv-1', { input: 'b' }),
    fingerprint('messages', 'conv-1', { messages: [1, 2] }),
    fingerprint('messages', 'conv-1', { messages: [2, 1] }),
  ];

  expect(new Set(all).size).toBe(all.length);
});

it('otids name a request of a conversation only if every message has one; their order and the rest of the body do not count', () => {
  const message = (otid?: string) => ({ role: 'user', content: 'x', otid });
  const named = identityOf({ messages: [message('b'), message('a')] }).key;

  expect(named).not.toBeNull();
  expect(identityOf({ messages: [message('a'), message('b')], max_steps: 3 }).key).toBe(named);
  expect(identityOf({ messages: [message('a')] }).key).not.toBe(named);
  expect(identityOf({ messages: [message('a'), message()] }).key).toBeNull();
  expect(identityOf({ messages: [message('')] }).key).toBeNull();
  expect(identityOf({ messages: [] }).key).toBeNull();
  expect(identityOf({ input: 'x' }).key).toBeNull();
  expect(identityOf(null).key).toBeNull();
});

it('an agent knows a request by its otids and the rest of its body', () => {
  const key = (rest: object) =>
    identityOf({ messages: [{ role: 'user', content: 'x', otid: 'a' }], ...rest }, {}, 'messages').key;

  expect(key({})).toBe(key({}));
  expect(key({ max_steps: 3 })).not.toBe(key({}));
});

it('the header goes before the otids, and never means the same as an otid', () => {
  const body = { messages: [{ role: 'user', content: 'x', otid: 'a' }] };
  const byHeader = identityOf(body, { 'idempotency-key': 'a' }).key;

  expect(byHeader).not.toBe(identityOf(body).key);
  expect(identityOf({ input: 'y' }, { 'idempotency-key': 'a' }).key).toBe(byHeader);
  expect(() => identityOf(body, { 'idempotency-key': 'x'.repeat(256) })).toThrow(/Idempotency-Key/);
});

it('a key of many otids stays short and different from others', () => {
  const key = (last: string) =>
    identityOf({ messages: [...Array(50).keys(), last].map((n) => ({ otid: `otid-of-some-length-${n}` })) })
      .key ?? '';

  expect(key('x').length).toBeLessThan(256);
  expect(key('x')).not.toBe(key('y'));
});

it.each([
  [undefined, false],
  ['0', false],
  ['1', true],
  ['2', true],
  ['many', false],
])('x-stainless-retry-count %s means resent: %s', (count, isResent) => {
  const headers: Record<string, string> = count === undefined ? {} : { 'x-stainless-retry-count': count };

  expect(identityOf({ input: 'x' }, headers).isResent).toBe(isResent);
});
