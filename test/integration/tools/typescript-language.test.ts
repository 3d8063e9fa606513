import fs from 'node:fs';
import os from 'node:os';
import { AppError } from '../../../domain/errors';
import { createTypeScriptLanguage } from '../../../tools/typescript/typescript-language';
import { until } from '../../support/started';
import { silentLog, sourceCall, typeScriptSettings, typeScriptTool } from '../../support/typescript-tools';

const language = createTypeScriptLanguage(typeScriptSettings(), silentLog);
type Facts = Parameters<typeof typeScriptTool>[1];
const run = (code: string, args: Record<string, unknown> = {}, facts: Facts = {}) =>
  language.runTool(typeScriptTool(code, facts), args, sourceCall());
// Other processes make folders at the same time: a name has the process that made it.
const workFolders = () =>
  fs
    .readdirSync(os.tmpdir())
    .filter((name) => name.startsWith('everturn-tool-') && name.includes(`.${process.pid}.`));

describe('a call', () => {
  it('passes arguments by name, in the order of the signature, and leaves defaults to the code', async () => {
    const code = 'export function f(a: string, b: number = 2, c?: string[]) { return { a, b, c }; }';

    await expect(run(code, { c: ['x'], a: 'y' })).resolves.toEqual({
      status: 'success',
      result: '{"a":"y","b":2,"c":["x"]}',
      stdout: [],
      stderr: [],
    });
    await expect(run(code, { a: 'y', b: null })).resolves.toMatchObject({ result: '{"a":"y","b":2}' });
  });

  it('hands an object that the function takes apart over as a whole', async () => {
    const code = 'export const f = async ({ a, b = 1 }: { a: string; b?: number }) => `${a}${b}`;';

    await expect(run(code, { a: 'x' })).resolves.toMatchObject({ status: 'success', result: 'x1' });
  });

  it('refuses arguments that the function does not know', async () => {
    await expect(run('export function f(a: string) {}', { b: 1 })).rejects.toThrow(
      "f() got an unexpected argument 'b' (parameters: a)",
    );
  });

  it.each([
    ['text', "'ä 😀'", 'ä 😀'],
    ['a number', '1.5', '1.5'],
    ['an object', '{ a: [1, null] }', '{"a":[1,null]}'],
    ['nothing', 'undefined', 'undefined'],
    ['null', 'null', 'null'],
    ['a bigint', '2n ** 70n', '1180591620717411303424'],
    ['a map', "new Map([['a', 1]])", 'Map(1) { "a" => 1 }'],
    ['a promise', 'Promise.resolve(true)', 'true'],
    ['a symbol', "Symbol('s')", 'Symbol(s)'],
    ['an object that holds itself', 'Object.assign(o, { o })', '<ref *1> { o: [Circular *1] }'],
    ['an object with a bigint', '{ n: 1n }', '{ n: 1n }'],
    [
      'an object whose JSON throws',
      "{ toJSON() { throw new Error('no') } }",
      '{ toJSON: [Function: toJSON] }',
    ],
  ])('returns %s', async (_, expression, result) => {
    const code = `const o: Record<string, unknown> = {};\nexport function f() { return ${expression}; }`;
    await expect(run(code)).resolves.toMatchObject({
      status: 'success',
      result,
    });
  });

  it('returns what a default export and an export under another name return', async () => {
    await expect(run('export default function f() { return 1; }')).resolves.toMatchObject({ result: '1' });
    await expect(run('const g = () => 2; export { g as f };')).resolves.toMatchObject({ result: '2' });
  });

  it('runs JavaScript', async () => {
    const outcome = await run(
      'export function f(a) { return a * 2; }',
      { a: 4 },
      { sourceType: 'javascript' },
    );

    expect(outcome.result).toBe('8');
  });

  it('keeps what is printed apart from the result', async () => {
    const code =
      "export function f() { console.log('out', 1); console.error('err'); Deno.stdout.writeSync(new TextEncoder().encode('raw')); return 'r'; }";

    await expect(run(code)).resolves.toEqual({
      status: 'success',
      result: 'r',
      stdout: ['out 1\nraw'],
      stderr: ['err\n'],
    });
  });

  it('keeps the first megabyte of 100, and binary output as text', async () => {
    const flood = await run(
      "export function f() { const mb = new Uint8Array(1_000_000).fill(120); for (let n = 0; n < 100; n++) for (let at = 0; at < mb.length; ) at += Deno.stdout.writeSync(mb.subarray(at)); return 'done'; }",
    );
    const binary = await run(
      'export function f() { Deno.stdout.writeSync(new Uint8Array([255, 65, 0])); Deno.stderr.writeSync(new Uint8Array([254])); return 1; }',
    );

    expect([flood.status, flood.result]).toEqual(['success', 'done']);
    expect(flood.stdout?.[0]).toMatch(/x\n\[output cut: 100000000 bytes were printed, 1048576 are kept\]\n$/);
    expect(binary).toMatchObject({ result: '1', stdout: ['\ufffdA\0'], stderr: ['\ufffd'] });
  });

  it('cuts a result to the limit of the tool with the note of how long it was', async () => {
    const outcome = await run("export const f = () => '😀'.repeat(3_000_000);", {}, { returnCharLimit: 3 });

    expect(outcome.result).toBe(
      '😀😀😀... [NOTE: function output was truncated since it exceeded the character limit: 3000000 > 3]',
    );
  });

  it('finds secrets, ids and the idempotency key in its environment, and nothing else there', async () => {
    const code =
      'export const f = () => ({ all: Deno.env.toObject(), secret: process.env.TOKEN, home: process.env.HOME ?? null });';
    const call = sourceCall({ secrets: { TOKEN: 's3cret', 'not a name': 'x' } });
    const outcome = await language.runTool(typeScriptTool(code), {}, call);

    expect(JSON.parse(outcome.result)).toEqual({
      all: {
        TOKEN: 's3cret',
        LETTA_AGENT_ID: 'agent-1',
        LETTA_TOOL_ID: 'tool-1',
        EVERTURN_RUN_ID: 'run-1',
        EVERTURN_STEP_ID: 'step-1',
        EVERTURN_TOOL_CALL_ID: 'call-1',
        EVERTURN_IDEMPOTENCY_KEY: 'run-1/0/call-1',
      },
      secret: 's3cret',
      home: null,
    });
  });
});

describe('code that fails', () => {
  it('answers with its exception, and its stack without the frames of the server', async () => {
    const outcome = await run('\nexport function f() {\n  throw new TypeError("bad y");\n}');

    expect(outcome).toMatchObject({
      status: 'error',
      result: 'Error executing function f: TypeError: bad y',
    });
    expect(outcome.stderr).toEqual(['TypeError: bad y\n    at f (tool.ts:3:9)']);
  });

  it.each([
    ['a thrown text', "throw 'no luck'", 'Error: no luck'],
    ['an error of its own class', "class Odd extends Error { name = 'Odd' }; throw new Odd('x')", 'Odd: x'],
    [
      'a rejection that nobody awaits',
      "Promise.reject(new RangeError('lost')); return new Promise((r) => setTimeout(r, 5000))",
      'RangeError: lost',
    ],
    [
      'an exception in a timer',
      "setTimeout(() => { throw new Error('late') }, 1); return new Promise((r) => setTimeout(r, 5000))",
      'Error: late',
    ],
    [
      'a value that nothing can show',
      "const fail = () => { throw new Error('unseen') }; return { toJSON: fail, [Symbol.for('Deno.customInspect')]: fail }",
      'Error: unseen',
    ],
    ['recursion without end', 'return f()', 'RangeError: Maximum call stack size exceeded'],
    ['an exit', 'Deno.exit(3)', 'Error: the process of f ended without a result (exit code 3)'],
    [
      'a wait without end',
      'return new Promise(() => undefined)',
      'Error: the process of f ended without a result (exit code 1)',
    ],
  ])('answers with %s', async (_, body, said) => {
    await expect(run(`export function f() { ${body}; }`)).resolves.toMatchObject({
      status: 'error',
      result: `Error executing function f: ${said}`,
    });
  });

  it('answers with an exception while its module is loaded', async () => {
    await expect(run("throw new Error('early'); export function f() {}")).resolves.toMatchObject({
      result: 'Error executing function f: Error: early',
    });
  });

  it('is refused before it runs when its source breaks', async () => {
    await expect(run('export function f( {}')).rejects.toThrow(
      "The source code of f can't be run: Failed to parse source code:",
    );
  });

  it('is refused before it runs when it has no such function', async () => {
    await expect(run('export function g() {}')).rejects.toThrow(
      "The source code of f can't be run: Function 'f' is not exported by the source code, which exports g.",
    );
  });

  it('is stopped when its time is over', async () => {
    const short = createTypeScriptLanguage(typeScriptSettings({ timeoutMs: 500 }), silentLog);
    const outcome = await short.runTool(
      typeScriptTool("export function f() { console.log('begun'); for (;;); }"),
      {},
      sourceCall(),
    );

    expect(outcome).toMatchObject({
      status: 'error',
      result: 'Error executing function f: TimeoutError: f took longer than 0.5 seconds and was stopped',
      stdout: ['begun\n'],
    });
  });
});

it('rejects with the reason of a cancel once its processes are dead', async () => {
  const stop = new AbortController();
  const reason = new AppError('CANCELLED', 'stopped by the test');
  const running = language.runTool(
    typeScriptTool('export function f() { for (;;); }'),
    {},
    sourceCall({ signal: stop.signal }),
  );
  setTimeout(() => stop.abort(reason), 300);

  await expect(running).rejects.toBe(reason);
});

it('leaves no folder behind', async () => {
  const code = 'export async function f() { await new Promise((end) => setTimeout(end, 500)); }';
  const called = run(code);
  await until(() => workFolders().length > 0);

  await expect(called).resolves.toMatchObject({ status: 'success' });

  expect(workFolders()).toEqual([]);
});

describe('run_code', () => {
  const runCode = (code: string, name: 'js' | 'ts' = 'ts') => language.runCode[name]!(code, sourceCall());

  it('tells what was printed and the value of the last expression', async () => {
    await expect(
      runCode("const a: number[] = [1, 2];\nconsole.log('hi');\na.map((x) => x * 2) // done"),
    ).resolves.toEqual({ results: ['[2,4]'], stdout: 'hi\n', stderr: '', error: null });
    await expect(
      runCode("import { sep } from 'node:path';\nawait Promise.resolve(sep);", 'js'),
    ).resolves.toMatchObject({
      results: ['/'],
      error: null,
    });
  });

  it('has no result without a last expression', async () => {
    await expect(runCode('const a = 1;')).resolves.toMatchObject({ results: [], error: null });
    await expect(runCode('void 0')).resolves.toMatchObject({ results: [], error: null });
    await expect(runCode('')).resolves.toMatchObject({ results: [], error: null });
  });

  it('tells an exception with its line', async () => {
    const { error } = await runCode('\n\nnull.x;');

    expect(error).toMatchObject({ name: 'TypeError', value: expect.stringContaining('null') });
    expect(error?.traceback).toContain('tool.ts:3:');
  });

  it('tells a syntax error', async () => {
    await expect(runCode('const = 1')).resolves.toMatchObject({
      error: { value: expect.stringContaining('tool.ts') },
    });
  });

  it('gets no secrets', async () => {
    const call = sourceCall({ secrets: { TOKEN: 's3cret' } });

    await expect(language.runCode['ts']!('Deno.env.get("TOKEN") ?? "none"', call)).resolves.toMatchObject({
      results: ['none'],
    });
  });
});
