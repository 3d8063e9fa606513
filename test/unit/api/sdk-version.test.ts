import type { Request } from 'express';
import { isLegacyClient } from '../../../api/middleware/sdk-version';

const request = (headers: Readonly<Record<string, string>>) =>
  ({ get: (name: string) => headers[name] }) as unknown as Request;

it.each([
  [{ 'x-stainless-package-version': '1.12.1', 'user-agent': 'Letta/JS 1.12.1' }, false],
  [{}, false],
  [{ 'user-agent': '' }, false],
  [{ 'user-agent': 'letta-client/1.0.0' }, false],
  [{ 'user-agent': 'letta-client/0.1.324' }, true],
  [{ 'user-agent': 'curl/8.5.0' }, true],
])('tells by %j whether a client is older than 1.0: %s', (headers, expected) => {
  expect(isLegacyClient(request(headers))).toBe(expected);
});
