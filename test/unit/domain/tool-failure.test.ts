import { AppError } from '../../../domain/errors';
import { cutOutcome, failedOutcome, succeededOutcome, toolError, toThrownError, truncateResult } from '../../../domain/tool-failure'; // prettier-ignore

it('shows a failure the way Letta does', () => {
  expect(failedOutcome('memory_replace', toolError('KeyError', "'no'"))).toEqual({
    status: 'error',
    result: "'no'",
    stdout: null,
    stderr: ["Error executing function memory_replace: KeyError: 'no'"],
  });
  expect(failedOutcome('t', new AppError('NOT_FOUND', 'gone')).stderr).toEqual([
    'Error executing function t: ValueError: gone',
  ]);
  expect(failedOutcome('t', new RangeError('deep')).stderr).toEqual([
    'Error executing function t: RangeError: deep',
  ]);
});

it.each([
  ['a text', 'The tool threw a text'],
  [undefined, 'The tool threw undefined'],
  [{ reason: 1 }, 'The tool threw {"reason":1}'],
  [10n, 'The tool threw something that has no text'],
])('makes an error of %p, which JavaScript lets a tool throw', (thrown, message) => {
  expect(toThrownError(thrown).message).toBe(message);
});

it('says of an error without a message that it has none', () => {
  const odd = Object.assign(new Error('x'), { message: undefined, name: 7 });

  expect(failedOutcome('t', odd as unknown as Error)).toMatchObject({
    result: 'it gave no message',
    stderr: ['Error executing function t: Error: it gave no message'],
  });
});

it.each([
  ['text', 'text'],
  ['', ''],
  [undefined, 'None'],
  [null, 'None'],
  [{ a: [1] }, '{"a":[1]}'],
  [7, '7'],
])('the result of a tool that returns %p is a text', (returned, result) => {
  expect(succeededOutcome(returned).result).toBe(result);
});

it('cuts every text of an outcome', () => {
  const long = 'x'.repeat(100);
  const cut = cutOutcome({ status: 'error', result: long, stdout: [long, 'short'], stderr: null }, 10);

  expect(cut).toEqual({
    status: 'error',
    result: truncateResult(long, 10),
    stdout: [truncateResult(long, 10), 'short'],
    stderr: null,
  });
});

describe('truncating a result', () => {
  it('leaves a result within the limit alone', () => {
    expect(truncateResult('12345', 5)).toBe('12345');
    expect(truncateResult('🐱🐱🐱', 3)).toBe('🐱🐱🐱');
  });

  it('cuts at the limit, says by how much in the words of Letta, and splits no character', () => {
    const note = '... [NOTE: function output was truncated since it exceeded the character limit: 6 > 4]';

    expect(truncateResult('123456', 4)).toBe(`1234${note}`);
    expect(truncateResult('🐱🐱🐱🐱🐱🐱', 4)).toBe(`🐱🐱🐱🐱${note}`);
  });

  it('changes nothing when it is done twice', () => {
    const once = truncateResult('x'.repeat(100), 10);

    expect(truncateResult(once, 10)).toBe(once);
  });
});
