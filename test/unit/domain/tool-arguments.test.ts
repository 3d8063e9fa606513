import { parseToolArguments } from '../../../domain/tool-arguments';
import { conversationSearchTool } from '../../../tools/builtin/conversation-search/tool';
import { memoryInsertTool } from '../../../tools/builtin/memory-insert/tool';
import { runCodeTool } from '../../../tools/builtin/run-code/tool';
import { webSearchTool } from '../../../tools/builtin/web-search/tool';
import { buildTool } from '../../support/build-tool';

const insert = buildTool(memoryInsertTool);
const search = buildTool(conversationSearchTool);
const web = buildTool(webSearchTool);
const custom = buildTool({ name: 'roll_dice' });

const errorOf = (raw: string, tool = insert) => {
  const parsed = parseToolArguments(raw, tool);
  return 'error' in parsed ? parsed.error.result : parsed;
};

it('reads a JSON object', () => {
  expect(parseToolArguments('{"label":"human","new_string":"x","insert_line":0}', insert)).toEqual({
    args: { label: 'human', new_string: 'x', insert_line: 0 },
  });
});

it.each(['', '  ', '{}', 'null'.slice(4)])('reads %p as no arguments', (raw) => {
  expect(parseToolArguments(raw, search)).toEqual({ args: {} });
});

it('reads an object that was encoded twice', () => {
  expect(parseToolArguments(JSON.stringify('{"query":"tea"}'), search)).toEqual({ args: { query: 'tea' } });
});

it('answers a missing argument as Letta does', () => {
  const text = "LettaCoreToolExecutor.memory_insert() missing 1 required positional argument: 'new_string'";

  expect(parseToolArguments('{"label":"human"}', insert)).toEqual({
    error: {
      status: 'error',
      result: text,
      stdout: null,
      stderr: [`Error executing function memory_insert: TypeError: ${text}`],
    },
  });
  expect(errorOf('{}')).toContain("missing 2 required positional arguments: 'label' and 'new_string'");
  expect(errorOf('{"code":null}', buildTool(runCodeTool))).toContain(
    "LettaBuiltinToolExecutor.run_code() missing 2 required positional arguments: 'code' and 'language'",
  );
});

it.each([
  ['{"label":', /^The arguments are not valid JSON \(.+\)\. Repeat the call with one JSON object\.$/],
  ["{'label': 'human'}", /not valid JSON/],
  ['[1]', /must be one JSON object .* not array/],
  ['null', /must be one JSON object .* not null/],
  ['3', /must be one JSON object .* not number/],
])('answers %p with what is wrong', (raw, expected) => {
  expect(errorOf(raw)).toMatch(expected);
});

it.each([
  [insert, '{"label":"human","new_string":5}', "argument 'new_string' must be of type string, not number"],
  [insert, '{"label":["human"],"new_string":"x"}', "argument 'label' must be of type string, not array"],
  [
    insert,
    '{"label":"h","new_string":"x","insert_line":1.5}',
    "argument 'insert_line' must be of type integer",
  ],
  [
    insert,
    '{"label":"h","new_string":"x","insert_line":"end"}',
    "'insert_line' must be of type integer, not string",
  ],
  [insert, '{"label":"h","new_string":"x","line":1}', "got an unexpected keyword argument 'line'"],
  [insert, '{"label":"h","new_string":"x","__proto__":1}', "got an unexpected keyword argument '__proto__'"],
  [
    search,
    '{"roles":["user","system"]}',
    'argument \'roles\'[1] must be one of assistant, user, tool, not "system"',
  ],
  [search, '{"roles":"user"}', "argument 'roles' must be of type array, not string"],
  [web, '{"query":"x","category":"blog"}', "argument 'category' must be one of company, research paper"],
  [web, '{"query":"x","include_text":1}', "argument 'include_text' must be of type boolean, not number"],
])('refuses for %p the arguments %p', (tool, raw, expected) => {
  expect(errorOf(raw, tool)).toContain(expected);
});

it('treats null as absent and reads numbers and booleans that are written as text', () => {
  expect(
    parseToolArguments('{"query":"x","num_results":"3","include_text":"True","category":null}', web),
  ).toEqual({
    args: { query: 'x', num_results: 3, include_text: true },
  });
});

it('leaves the arguments of user tools as they are', () => {
  expect(parseToolArguments('{"sides":"6","extra":null}', custom)).toEqual({
    args: { sides: '6', extra: null },
  });
  expect(errorOf('{', custom)).toMatch(/not valid JSON/);
});

it('reads deeply nested JSON without breaking', () => {
  const depth = 100_000;

  expect(errorOf(`${'['.repeat(depth)}${']'.repeat(depth)}`)).toMatch(
    /must be one JSON object|not valid JSON/,
  );
});
