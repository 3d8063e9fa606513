import { toWireError } from '../../../api/wire/errors';
import { findUnstorable, MAX_JSON_DEPTH } from '../../../api/middleware/storable-input';
import { pythonJsonText } from '../../../api/wire/python-json';
import { fromDatabaseError } from '../../../db/database-error';
import { AppError } from '../../../domain/errors';
import { usageOf } from '../../../domain/usage';
import { sampleBody } from '../../support/letta-samples';

describe('toWireError', () => {
  const pending =
    'CONFLICT: Cannot send a new message: The agent is waiting for approval on a tool call. Please approve or deny the pending request before continuing.';
  const busy =
    'CONFLICT: Cannot send a new message: Another request (run_id=run-f773f290-76fc-4a12-873e-057e98596af1) is currently being processed for this conversation. Please wait for it to complete.';
  const llm = (status: number, prefix: string) =>
    `${prefix}: Error code: ${status} - {'error': {'message': 'mock error ${status}', 'type': 'mock', 'code': 'mock'}}`;

  it.each([
    [
      'approval.2.err.message_while_pending.json',
      new AppError('PENDING_APPROVAL', pending, {
        facts: { pendingRequestId: 'message-27664a27-645f-4ea2-910f-5e352b35bfb3' },
      }),
      409,
    ],
    [
      'messages.create.llm_error_400.json',
      new AppError(
        'MODEL_BAD_REQUEST',
        llm(400, 'INVALID_ARGUMENT: Bad request to OpenAI-compatible endpoint'),
      ),
      400,
    ],
    [
      'messages.create.llm_error_401.json',
      new AppError('MODEL_AUTHENTICATION', llm(401, 'UNAUTHENTICATED: Authentication failed with OpenAI')),
      401,
    ],
    [
      'err.user_id_header.json',
      new AppError(
        'INVALID_ARGUMENT',
        "INVALID_ARGUMENT: Invalid user ID format: user-bad. Expected format: 'user-<uuid4>'",
      ),
      400,
    ],
  ])('answers %s as the original does', (sample, error, status) => {
    expect(toWireError(error)).toMatchObject({ status, body: sampleBody(sample) });
  });

  it('names the run that is in the way beside the detail', () => {
    const error = new AppError('CONFLICT', busy, {
      facts: { runId: 'run-f773f290-76fc-4a12-873e-057e98596af1' },
    });
    const recorded = JSON.parse(String(sampleBody('err.conversations.busy_409.json'))) as unknown; // kept as text

    expect(toWireError(error).body).toEqual(recorded);
  });

  it.each([
    ['a permanent conflict', new AppError('CONFLICT', 'x'), 'false'],
    ['a pending approval', new AppError('PENDING_APPROVAL', 'x'), 'false'],
    ['a model failure, which had its retries', new AppError('MODEL_RATE_LIMIT', 'x'), 'false'],
    ['a busy conversation', new AppError('CONFLICT', 'x', { facts: { runId: 'run-1' } }), undefined],
    ['a lost race', new AppError('CONFLICT', 'x', { facts: { isTransient: true } }), undefined],
    ['an outage', new AppError('UNAVAILABLE', 'x'), undefined],
  ])('tells SDKs whether to retry %s', (_title, error, expected) => {
    expect(toWireError(error).headers['x-should-retry']).toBe(expected);
  });

  it('says when to come back, in whole seconds', () => {
    const error = new AppError('UNAVAILABLE', 'x', { retryAfterMs: 1200 });

    expect(toWireError(error).headers).toEqual({ 'retry-after': '2' });
  });

  it('hides what went wrong inside', () => {
    const body = { detail: 'An unknown error occurred' };

    expect(toWireError(new AppError('INTERNAL', 'secret'))).toEqual({ status: 500, headers: {}, body });
  });
});

describe('fromDatabaseError', () => {
  const pgError = (code: string, fields = {}) =>
    Object.assign(new Error('pg says'), { code, severity: 'ERROR', ...fields });

  it.each([
    ['23505', 'CONFLICT'],
    ['23503', 'CONFLICT'],
    ['40001', 'CONFLICT'],
    ['22021', 'VALIDATION'],
    ['22P05', 'VALIDATION'],
    ['57P01', 'UNAVAILABLE'],
    ['53300', 'UNAVAILABLE'],
    ['08006', 'UNAVAILABLE'],
  ])('reads SQLSTATE %s as %s', (code, expected) => {
    expect(fromDatabaseError(pgError(code))?.code).toBe(expected);
  });

  it.each([
    Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
    new Error('Connection terminated unexpectedly'),
    new Error('timeout exceeded when trying to connect'),
  ])('reads a lost connection as an outage: %s', (error) => {
    expect(fromDatabaseError(error)?.code).toBe('UNAVAILABLE');
  });

  it.each([pgError('42703'), new Error('x is not a function'), 'text', null])('leaves %s alone', (error) => {
    expect(fromDatabaseError(error)).toBeNull();
  });
});

describe('findUnstorable', () => {
  const nested = (levels: number): unknown => {
    let value: unknown = 'x';
    for (let level = 0; level < levels; level++) value = [value];
    return value;
  };

  it.each([
    ['a NUL character', { a: ['x\u0000'] }, ['body', 'a', '0']],
    ['half of a surrogate pair', { a: 'x\ud800' }, ['body', 'a']],
    ['a bad key', { 'a\u0000': 1 }, ['body']],
    ['JSON that is too deep', nested(MAX_JSON_DEPTH + 1), ['body']],
    ['very deep JSON', nested(100_000), ['body']],
  ])('finds %s', (_title, body, loc) => {
    expect(findUnstorable(body, 'body')).toMatchObject({ type: 'value_error', loc });
  });

  it.each([undefined, null, 1, 'text 🙂', { a: [{ b: 'é\n' }] }, nested(MAX_JSON_DEPTH)])(
    'accepts %j',
    (body) => {
      expect(findUnstorable(body, 'body')).toBeNull();
    },
  );
});

it.each([
  ['{"a":1,"b":[true,null,1.0,-2e5]}', '{"a": 1, "b": [true, null, 1.0, -2e5]}'],
  ['{ "a" : "x, y: {z}\\n\\"" }', '{"a": "x, y: {z}\\n\\""}'],
  ['{"2":1,"1":2}', '{"2": 1, "1": 2}'],
  ['{"a":"é🙂"}', '{"a": "\\u00e9\\ud83d\\ude42"}'],
  ['{}', '{}'],
  ['', ''],
  ['{"a": tru', '{"a": tru'],
])('spells %s as Python does', (text, expected) => {
  expect(pythonJsonText(text)).toBe(expected);
});

it('reports no token counts where no model answered', () => {
  const pending = {
    promptTokens: null,
    completionTokens: null,
    totalTokens: null,
    cachedInputTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
  };

  expect(usageOf([pending])).toEqual({
    ...pending,
    promptTokens: 0,
    completionTokens: 0,
    totalTokens: 0,
    stepCount: 0,
    contextTokens: null,
  });
});
