import { checkVector, normalized } from '../../../domain/vector';

it('gives vectors length 1 and leaves one of zeros alone', () => {
  expect([...normalized(Float32Array.of(3, 4))]).toEqual([Math.fround(0.6), Math.fround(0.8)]);
  expect([...normalized(Float32Array.of(0, 0))]).toEqual([0, 0]);
});

it('takes finite numbers of the right count', () => {
  expect(checkVector([1, -0.5], 2, 'm')).toEqual(Float32Array.of(1, -0.5));
  expect(checkVector([1, 2, 3], null, 'm')).toHaveLength(3);
});

it.each([
  [[1, Number.NaN], /not finite numbers/],
  [[1, Number.POSITIVE_INFINITY], /not finite numbers/],
  [[1, null], /not finite numbers/],
  [[1], /a vector of 1 numbers where 2 are asked for/],
  [[], /an answer without vectors/],
  ['AAAA', /an answer without vectors/],
])('refuses %p', (numbers, message) => {
  expect(() => checkVector(numbers, 2, 'openai/m')).toThrow(message);
  expect(() => checkVector(numbers, 2, 'openai/m')).toThrow(/^Embedding model openai\/m gave/);
});
