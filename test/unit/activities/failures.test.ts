import { checkPayload, toFailure } from '../../../activities/failures';
import { AppError } from '../../../domain/errors';

const failureOf = (error: unknown, attempt: number, givesUp = true) =>
  toFailure(error, { attempt, givesUp }) as Error & { type: string; nonRetryable: boolean };
const refusedBy = (code: string) => Object.assign(new Error('refused'), { severity: 'ERROR', code });

it('a failure crosses as its code alone', () => {
  const failure = failureOf(new AppError('MODEL_UNAVAILABLE', 'what the provider said'), 1);

  expect(failure).toMatchObject({
    type: 'MODEL_UNAVAILABLE',
    message: 'MODEL_UNAVAILABLE',
    nonRetryable: false,
  });
  expect(failureOf('a secret', 1).message).not.toContain('secret');
});

it.each([
  ['a value that Postgres refuses', refusedBy('22P05')],
  ['a mistake in the code', new TypeError('x is not a function')],
  ['something that is no error', undefined],
])('%s ends an activity after as many attempts as a model gets, if it may give up', (_what, error) => {
  expect(failureOf(error, 5).nonRetryable).toBe(false);
  expect(failureOf(error, 6).nonRetryable).toBe(true);
  expect(failureOf(error, 6, false).nonRetryable).toBe(false);
});

it.each([
  ['a database that shuts down', refusedBy('57P01')],
  ['a connection that is refused', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })],
])('%s is waited for', (_what, error) => {
  expect(failureOf(error, 100).nonRetryable).toBe(false);
});

it('a result that no history should hold fails for good and says nothing of its content', () => {
  const large = { calls: ['secret'.repeat(60_000)] };

  expect(() => checkPayload(large)).toThrow(expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }));
  expect(() => checkPayload(large)).not.toThrow(/secret/);
  expect(failureOf(new AppError('PAYLOAD_TOO_LARGE', 'x'), 1).nonRetryable).toBe(true);
});

it('smaller results, and none at all, pass as they are', () => {
  const small = { calls: [] };

  expect(checkPayload(small)).toBe(small);
  expect(() => checkPayload(undefined)).not.toThrow();
});
