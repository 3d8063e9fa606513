import { prefilledProblem } from '../../../domain/prefilled-arguments';

const TOOL = {
  name: 'look',
  parameters: {
    type: 'object' as const,
    properties: {
      text: { type: 'string' },
      count: { type: 'integer' },
      rate: { type: 'number' },
      flag: { type: 'boolean' },
      list: { type: 'array' },
      map: { type: 'object' },
      maybe: { type: ['string', 'null'] },
      any: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
      one: { oneOf: [{ type: 'string' }, { type: 'null' }] },
      choice: { enum: ['x', 'y'] },
      fixed: { const: 5 },
      free: {},
    },
    required: [],
  },
};

it.each([
  { text: 'a', count: 1, rate: 0.5, flag: false, list: [1], map: { a: 1 } },
  { rate: 3, maybe: null, any: 7, one: null, choice: 'y', fixed: 5, free: [] },
  {},
])('%j fits', (fixed) => {
  expect(prefilledProblem(TOOL, fixed)).toBeNull();
});

it.each([
  { text: 1 }, { count: 1.5 }, { rate: true }, { flag: 'yes' }, { list: {} }, { map: [] }, { maybe: 5 }, { any: [] }, { one: 5 },
  { choice: 'z' }, { fixed: 6 },
])('%j does not fit', (fixed) => {
  expect(prefilledProblem(TOOL, fixed)).toContain(`Invalid value for '${Object.keys(fixed)[0]}'`);
}); // prettier-ignore

it('names an argument that the tool does not have', () => {
  expect(prefilledProblem(TOOL, { nope: 1 })).toBe(
    "Invalid prefilled tool arguments from tool rules: Unknown argument 'nope' for tool 'look'.",
  );
});
