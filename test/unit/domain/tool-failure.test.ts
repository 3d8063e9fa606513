import { AppError } from '../../../domain/errors';
import { failedOutcome, toolError, truncateResult } from '../../../domain/tool-failure';

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
