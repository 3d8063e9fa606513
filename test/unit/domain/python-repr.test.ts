import { pythonExpression, pythonTuple, toPythonRepr } from '../../../domain/python-repr';

// Every expectation was printed by Python's repr().
it.each([
  [null, 'None'],
  [undefined, 'None'],
  [true, 'True'],
  [false, 'False'],
  [5, '5'],
  [-0.5, '-0.5'],
  [1e21, '1000000000000000000000'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [0.000123, '0.000123'],
  [1.5e-7, '1.5e-07'],
  [Number.NaN, 'nan'],
  [Number.NEGATIVE_INFINITY, '-inf'],
  ['plain', "'plain'"],
  ["it's", '"it\'s"'],
  ['say "hi"', '\'say "hi"\''],
  ['it\'s "both"', "'it\\'s \"both\"'"],
  ['a\nb\tc\rd\\e', "'a\\nb\\tc\\rd\\\\e'"],
  ['\u0000\u001b\u007f\u0085\u00a0\u00ad', "'\\x00\\x1b\\x7f\\x85\\xa0\\xad'"],
  ['\u200b\u2028\ud800', "'\\u200b\\u2028\\ud800'"],
  ['\u{e0001}', "'\\U000e0001'"],
  ['naïve 猫 🐱', "'naïve 猫 🐱'"],
  [[1, 'a', null], "[1, 'a', None]"],
  [{ a: 1, "b'": [] }, "{'a': 1, \"b'\": []}"],
  [{ gone: undefined, kept: {} }, "{'kept': {}}"],
])('shows %p as Python does', (value, expected) => {
  expect(toPythonRepr(value)).toBe(expected);
});

it('shows tuples and expressions that are marked as such', () => {
  expect(toPythonRepr({ loc: pythonTuple('body', 0), one: pythonTuple('x'), none: pythonTuple() })).toBe(
    "{'loc': ('body', 0), 'one': ('x',), 'none': ()}",
  );
  expect(toPythonRepr({ error: pythonExpression("ValueError('bad')") })).toBe("{'error': ValueError('bad')}");
});
