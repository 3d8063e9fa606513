import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AppError } from '../../domain/errors';
import type { SourceCall } from '../../domain/source-tool';
import type { Tool } from '../../domain/tool';
import { buildTool } from '../support/build-tool';
import { testPython } from '../support/python-language';
import { until } from '../support/started';

// A folder for temporary files of these tests alone, which every user can reach, as /tmp.
const usual = process.env['TMPDIR'];
let temporary: string;
beforeAll(() => {
  temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-tools-'));
  fs.chmodSync(temporary, 0o1777);
  process.env['TMPDIR'] = temporary;
});
afterAll(() => {
  if (usual === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = usual;
  fs.rmSync(temporary, { recursive: true });
});

const python = testPython({ timeoutMs: 20_000 });
const call = (facts: Partial<SourceCall> = {}): SourceCall => ({
  agentId: 'agent-1',
  runId: 'run-1',
  stepId: 'step-1',
  toolCallId: 'call-1',
  idempotencyKey: 'run-1/0/call-1',
  secrets: {},
  signal: new AbortController().signal,
  agentState: () => Promise.resolve(null),
  ...facts,
});
const run = (sourceCode: string, args: object = {}, { tool = {}, facts = {}, language = python } = {}) =>
  language.runTool(
    buildTool({ name: 'f' }, { sourceCode, ...(tool as Partial<Tool>) }),
    args as Record<string, unknown>,
    call(facts),
  );
const resultOf = async (...given: Parameters<typeof run>) => (await run(...given)).result;
/** Processes of tools that are still there: their request names the folder of one of these tests' tools. */
const toolProcesses = () =>
  spawnSync('ps', ['-eo', 'pid,ppid,args'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.includes('run_tool.py') && line.includes(` ${process.pid} `));

describe('what a tool is given', () => {
  it('finds its secrets, its ids and the key of the call in its environment, and nothing of the server', async () => {
    const secrets = { CITY: 'Rome' };

    const { result } = await run(
      `import os, json\ndef f(): return json.dumps(dict(os.environ))`,
      {},
      { facts: { secrets } },
    );

    const { HOME, TMPDIR, ...rest } = JSON.parse(result) as Record<string, string>;
    expect(HOME).toBe(TMPDIR);
    expect(rest).toEqual({
      PATH: '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      CITY: 'Rome',
      LETTA_AGENT_ID: 'agent-1',
      LETTA_TOOL_ID: 'tool-1',
      EVERTURN_IDEMPOTENCY_KEY: 'run-1/0/call-1',
    });
  });

  it('reads its agent by attributes where it has a parameter for it, and the agent is not loaded elsewhere', async () => {
    const agentState = jest.fn(() =>
      Promise.resolve({ name: 'Ada', blocks: [{ label: 'human', value: 'v' }] }),
    );

    const read = await resultOf(
      `def f(agent_state, n: int): return agent_state.name + agent_state.blocks[0]["value"] + str(n)`,
      { n: 1 },
      { facts: { agentState } },
    );
    await run('def f(): return 1', {}, { facts: { agentState } });

    expect(read).toBe('Adav1');
    expect(agentState).toHaveBeenCalledTimes(1);
  });

  describe('the memory in agent_state', () => {
    const blocks = [
      { label: 'human', value: 'Ada', limit: 10, read_only: false },
      { label: 'rules', value: 'none', limit: 10, read_only: true },
    ];
    const agentState = () => Promise.resolve({ name: 'Ada', memory: { blocks } });
    const edit = (body: string) => run(`def f(agent_state):\n    memory = agent_state.memory\n    ${body}`, {}, { facts: { agentState } }); // prettier-ignore

    it('is read and written by label, and what was changed comes with the result', async () => {
      const read = await edit('return memory.get_block("human").value + str(memory.list_block_labels())');
      expect(read).toMatchObject({ status: 'success', result: "Ada['human', 'rules']" });
      expect(read).not.toHaveProperty('memory');

      const memory = [{ label: 'human', before: 'Ada', after: 'Bob' }];
      expect(await edit('memory.update_block_value(label="human", value="Bob")')).toMatchObject({ memory });
      expect(await edit('memory.get_block("human").value = "Bob"')).toMatchObject({ memory });
      expect(await edit('block = memory.get_blocks()[0]; block["value"] = "Bob"; memory.set_block(block)')).toMatchObject({ memory }); // prettier-ignore
    });

    it.each([
      ['memory.get_block("nope")', 'KeyError'],
      ['memory.get_block("human").value = 7', 'must be a string'],
      ['memory.get_block("human").value = "x" * 11', 'its limit is 10'],
      ['memory.get_block("rules").value = "x"', 'read-only'],
      ['memory.get_block("human").value = "x"; raise RuntimeError("late")', 'late'],
    ])('%s fails and changes nothing', async (body, problem) => {
      const outcome = await edit(body);

      expect(outcome).toMatchObject({ status: 'error', result: expect.stringContaining(problem) as unknown });
      expect(outcome).not.toHaveProperty('memory');
    });
  });

  it('finds agent_id and a client that is None', async () => {
    expect(await resultOf('def f(): return agent_id, client')).toBe("('agent-1', None)");
  });

  it('gets models for objects, numbers for text, and lists of either', async () => {
    const source = `from typing import Optional
class Point:
    @classmethod
    def model_validate(cls, value):
        point = cls(); point.x = value["x"]; return point
def f(p: Point, ps: list[Point], q: Optional[Point], n: int, flag: bool): return [p.x, ps[0].x, q.x, n + 1, flag]
`;

    expect(await resultOf(source, { p: { x: 1 }, ps: [{ x: 2 }], q: { x: 3 }, n: '4', flag: 'True' })).toBe(
      '[1, 2, 3, 5, True]',
    );
  });

  it('gets objects of the classes that its own schema of arguments defines', async () => {
    const number = { type: 'number' };
    const item = {
      properties: { sku: { type: 'string' }, items: number, note: { default: 'none' } },
      required: ['sku'],
    };
    const argsJsonSchema = {
      $defs: { Item: item, Entry: { properties: { item: { $ref: '#/$defs/Item' } } }, Kind: { enum: ['k'] } },
      properties: {
        data: { $ref: '#/$defs/Entry' },
        list: { type: 'array', items: { $ref: '#/$defs/Item' } },
        maybe: { anyOf: [{ $ref: '#/$defs/Item' }, { type: 'null' }] },
        free: { type: 'object' },
        kind: { $ref: '#/$defs/Kind' },
      },
    };
    const source = `def f(self, data: Entry, list: List[Item], maybe: Optional[Item] = None, free: dict = None, kind: Kind = None):
    return [data.item.sku, data.item.items, data.item.note, list[0].model_dump(), maybe == Item(sku="c", items=None, note="none"), free["x"], kind, list]`;
    const args = {
      data: { item: { sku: 'a', items: 2 } },
      list: [{ sku: 'b' }],
      maybe: { sku: 'c' },
      free: { x: 1 },
      kind: 'k',
    };

    const tool = { argsJsonSchema };
    const listed = "{'sku': 'b', 'items': None, 'note': 'none'}";

    expect(await resultOf(source, args, { tool })).toBe(
      `['a', 2, 'none', ${listed}, True, 1, 'k', [${listed}]]`,
    );
    expect(await resultOf(source, { ...args, list: [{}] }, { tool })).toBe(
      'Error executing function f: ValueError: Item lacks sku',
    );
  });

  it('gets a choice that its own schema of arguments defines as one, with its value', async () => {
    const argsJsonSchema = {
      $defs: {
        Colour: { enum: ['red', 'blue'], type: 'string' },
        Box: {
          properties: {
            colour: { $ref: '#/$defs/Colour' },
            lid: { allOf: [{ $ref: '#/$defs/Colour' }], default: 'blue' },
          },
        },
      },
      properties: {
        box: { $ref: '#/$defs/Box' },
        other: { anyOf: [{ $ref: '#/$defs/Colour' }, { type: 'null' }] },
      },
    };
    const source = `def f(box: Box, other: Optional[Colour] = None):
    return [box.colour.value, box.lid.value, box.colour is Colour.red, other, box.model_dump()]`;
    const given = { box: { colour: 'red' }, other: null };

    const dumped = "{'colour': 'red', 'lid': 'blue'}";
    expect(await resultOf(source, given, { tool: { argsJsonSchema } })).toBe(
      `['red', 'blue', True, None, ${dumped}]`,
    );
    expect(await resultOf(source, { box: { colour: 'green' } }, { tool: { argsJsonSchema } })).toBe(
      "Error executing function f: ValueError: 'green' is not a valid Colour",
    );
  });

  it('finds the names of typing, and the modules that the original has at hand, without importing them', async () => {
    const source = `def f(values: Optional[List[int]] = None, kind: "Literal['a', 'b']" = "a") -> Dict[str, Any]:
    return base64.b64encode(hashlib.sha256(struct.pack("b", values[0])).digest()[:2]).decode() + sys.byteorder[:0] + kind`;

    expect(await resultOf(source, { values: ['1'] })).toBe('S/U=a');
    expect(await resultOf('class List: pass\ndef f(): return List.__module__')).toBe('tool');
    expect(await resultOf('def f(agent_state: AgentState, n: int): return n + 1', { n: '1' })).toBe('2');
  });

  it('reads what it can of annotations, also where another one names nothing', async () => {
    expect(await resultOf('def f(n: int, a: "Nowhere" = None): return n + 1', { n: '1' })).toBe('2');
  });

  it('says how to install a package that is missing', async () => {
    expect(await resultOf('from not_there import BaseModel\ndef f(): return 1')).toBe(
      "Error executing function f: ModuleNotFoundError: No module named 'not_there' (name the package in the tool's " +
        'pip_requirements, or install it into the Python that TOOL_PYTHON names)',
    );
  });
});

describe('what a tool answers', () => {
  it.each([
    ['text', '"é ok"', 'é ok'],
    ['a number', '1.50', '1.5'],
    ['nothing', 'None', 'None'],
    ['a list', '[1, "a", None]', "[1, 'a', None]"],
    ['an object', '{"a": [True, None], "é": 1}', '{"a": [true, null], "é": 1}'],
    ['an object without JSON', '{"a": object}', "{'a': <class 'object'>}"],
    ['an object that holds itself', '(d := {}, d.update(d=d))[0]', "{'d': {...}}"],
    ['bytes', 'b"\\xff\\x00"', "b'\\xff\\x00'"],
    ['a set', '{1}', '{1}'],
    ['a value with a text of its own', 'type("X", (), {"__str__": lambda self: "own"})()', 'own'],
    [
      'a subclass of text that lies',
      'type("S", (str,), {"__str__": lambda self: "lie", "__len__": lambda self: 1 << 62})("x")',
      'lie',
    ],
    ['half of a surrogate pair', '"a\\ud800"', 'a?'],
  ])('answers with %s', async (_what, value, result) => {
    expect(await run(`def f(): return ${value}`)).toEqual({
      status: 'success',
      result,
      stdout: [],
      stderr: [],
    });
  });

  it('answers with what it printed, in one element each', async () => {
    const outcome = await run(
      'import os, sys\ndef f():\n    print("a")\n    os.write(1, b"b")\n    print("c", file=sys.stderr)\n    return 1',
    );

    expect(['a\nb', 'ba\n']).toContain(outcome.stdout?.join('|'));
    expect(outcome.stderr).toEqual(['c\n']);
  });

  it('answers an exception in the words of the original, with the traceback from its own first line', async () => {
    const outcome = await run('def f(x: str):\n    raise ValueError("bad " + x)', { x: 'y' });

    expect(outcome).toMatchObject({
      status: 'error',
      result: 'Error executing function f: ValueError: bad y',
      stdout: [],
    });
    expect(outcome.stderr).toEqual([
      'Traceback (most recent call last):\n  File "f.py", line 2, in f\n    raise ValueError("bad " + x)\nValueError: bad y\n',
    ]);
  });

  it("finds a package of its own under a name that the runner's files have", async () => {
    const body = `open("network.py", "w").write("value = 5")\n    import sys; sys.path.insert(0, ".")\n    import network; return network.value`;

    expect(await resultOf(`def f():\n    ${body}`)).toBe('5');
  });

  it('waits for a coroutine', async () => {
    expect(
      await resultOf('import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    return 2'),
    ).toBe('2');
  });

  it('calls the later of two functions of one name', async () => {
    expect(await resultOf('def f(): return 1\ndef f(): return 2')).toBe('2');
  });

  it('calls its namesake among several functions', async () => {
    expect(await resultOf('def helper(): return 3\ndef f(): return helper()\ndef later(): return 4')).toBe(
      '3',
    );
  });

  it.each([
    [
      'an argument that does not exist',
      'def f(): return 1',
      { y: 1 },
      "TypeError: f() got an unexpected keyword argument 'y'",
    ],
    [
      'a missing argument',
      'def f(x): return 1',
      {},
      "TypeError: f() missing 1 required positional argument: 'x'",
    ],
    ['a source that breaks', 'def f(:', {}, 'SyntaxError: invalid syntax (f.py, line 1)'],
    ['a function that is not there', 'x = 1', {}, "NameError: the source defines no function 'f'"],
    [
      'a value without a text',
      'class X:\n    def __str__(self): raise ValueError("no text")\ndef f(): return X()',
      {},
      'ValueError: no text',
    ],
    [
      'an exception without a text',
      'class E(Exception):\n    def __str__(self): raise ValueError()\ndef f(): raise E()',
      {},
      'E',
    ],
    ['an end of the interpreter', 'import sys\ndef f(): sys.exit(3)', {}, 'SystemExit: 3'],
    [
      'an end of the process',
      'import os\ndef f(): os._exit(0)',
      {},
      'RuntimeError: the process of f ended without a result (exit code 0)',
    ],
    [
      'a crash',
      'import ctypes\ndef f(): ctypes.string_at(0)',
      {},
      'RuntimeError: the process of f ended without a result (SIGSEGV)',
    ],
    ['recursion without end', 'def f(): return f()', {}, 'RecursionError: maximum recursion depth exceeded'],
    ['more memory than there is', 'def f(): return "x" * (3 << 30)', {}, 'MemoryError'],
    [
      'too much in its folder',
      'import time\ndef f():\n    for i in range(4): open(str(i), "wb").write(bytes(30 << 20))\n    time.sleep(20)',
      {},
      'OSError: f filled its folder beyond what a tool may keep and was stopped',
    ],
    [
      'too much in files that it deleted',
      'import os, time\ndef f():\n    files = []\n    for i in range(4):\n        files.append(open(str(i), "wb"))\n        files[-1].write(bytes(30 << 20))\n        files[-1].flush()\n        os.unlink(str(i))\n    time.sleep(20)',
      {},
      'OSError: f filled its folder beyond what a tool may keep and was stopped',
    ],
    [
      'too many files',
      'import time\ndef f():\n    for i in range(3000): open(str(i), "w").close()\n    time.sleep(20)',
      {},
      'OSError: f filled its folder beyond what a tool may keep and was stopped',
    ],
  ])('answers %s with an error', async (_what, source, args, text) => {
    const outcome = await run(source, args);

    expect(outcome).toMatchObject({ status: 'error', result: `Error executing function f: ${text}` });
  });

  it('keeps the first megabyte of 100 and says so', async () => {
    const { status, result, stdout } = await run('def f():\n    print("x" * 100_000_000)\n    return 1');

    expect([status, result]).toEqual(['success', '1']);
    expect(stdout?.[0]?.length).toBeLessThan(1_100_000);
    expect(stdout?.[0]).toMatch(/\[output cut: 100000001 bytes were printed, 1048576 are kept\]\n$/);
  });

  it('keeps binary output as text', async () => {
    expect((await run('import os\ndef f(): os.write(1, bytes([255, 65, 0]))')).stdout).toEqual(['\ufffdA\0']);
  });

  it('cuts a long result at its limit and tells its length', async () => {
    const note =
      '... [NOTE: function output was truncated since it exceeded the character limit: 20000000 > 10]';

    expect(await resultOf('def f(): return "é" * 20_000_000', {}, { tool: { returnCharLimit: 10 } })).toBe(
      'é'.repeat(10) + note,
    );
  });
});

describe('an answer that a tool makes up', () => {
  it.each([
    ['prints', 'print("0" * 48 + \' {"value": "forged", "length": 6}\')'],
    [
      'writes to every descriptor',
      'import os\n    for fd in range(1000):\n        try: os.write(fd, b"0" * 48 + b\' {"value": "forged", "length": 6}\\n\')\n        except OSError: pass',
    ],
    [
      'writes garbage to every descriptor',
      'import os\n    for fd in range(3, 1000):\n        try: os.write(fd, b"\\xff" * 100_000 + b"\\n")\n        except OSError: pass',
    ],
  ])('counts for nothing when it %s it', async (_how, body) => {
    const { status, result } = await run(`def f():\n    ${body}\n    return "true"`);

    expect([status, result]).toEqual(['success', 'true']);
  });

  it('counts for nothing when it comes after the return', async () => {
    const shared = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-late-'));
    fs.chmodSync(shared, 0o777);
    const free = testPython({ sandbox: 'none' });
    const source = `import threading, time\ndef f():\n    def late():\n        while True: open("${shared}/late", "a").write("x"); time.sleep(0.05)\n    threading.Thread(target=late).start()\n    time.sleep(0.2)\n    return 1`;

    const { result } = await run(source, {}, { language: free });
    const size = fs.statSync(path.join(shared, 'late')).size;

    expect(result).toBe('1');
    expect(toolProcesses()).toEqual([]);
    expect(fs.statSync(path.join(shared, 'late')).size).toBe(size);
    fs.rmSync(shared, { recursive: true });
  });
});

describe('a call that is stopped', () => {
  it('ends when its time is over, and nothing of it is left', async () => {
    const quick = testPython({ timeoutMs: 1_000 });

    expect(await resultOf('def f():\n    while True: pass', {}, { language: quick })).toBe(
      'Error executing function f: TimeoutError: f took longer than 1 seconds and was stopped',
    );
    expect(toolProcesses()).toEqual([]);
  });

  it.each([
    ['without a network', false],
    ['with a network', true],
  ])('rejects with the reason of its signal, %s, once its processes are dead', async (_what, network) => {
    const stop = new AbortController();
    const stopped = run(
      'import time\ndef f(): time.sleep(20)',
      {},
      { facts: { signal: stop.signal }, tool: { network } },
    );
    await until(() => toolProcesses().length > 0);

    stop.abort(new AppError('CANCELLED', 'stop'));

    await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(toolProcesses()).toEqual([]);
  });

  it('leaves no folder behind', () => {
    expect(fs.readdirSync(temporary).filter((name) => name.startsWith('everturn-tool-'))).toEqual([]);
  });
});

describe('code for run_code', () => {
  it('tells what it printed, the value of its last expression, and its error', async () => {
    const code = python.runCode['python']!;

    expect(await code('x = 20\nprint("hi")\nx * 2 + 2', call({ secrets: { KEY: 'k' } }))).toEqual({
      results: ['42'],
      stdout: 'hi\n',
      stderr: '',
      error: null,
    });
    expect(await code('import os; "KEY" in os.environ', call({ secrets: { KEY: 'k' } }))).toMatchObject({
      results: ['False'],
    });
    expect(await code('1/0', call())).toMatchObject({
      results: [],
      error: { name: 'ZeroDivisionError', value: 'division by zero' },
    });
    expect(await code('def', call())).toMatchObject({ error: { name: 'SyntaxError' } });
  });
});

describe('a machine that can not hold tools', () => {
  it('refuses in one sentence where bubblewrap is asked for and missing', async () => {
    const language = testPython({
      sandbox: 'bwrap',
      searchPath: ['/usr/bin', '/bin'].filter((each) => !fs.existsSync(`${each}/bwrap`)),
    });

    await expect(run('def f(): return 1', {}, { language })).rejects.toThrow(
      'This server cannot run tools: TOOL_SANDBOX is bwrap and there is no bwrap on its PATH. Install bubblewrap.',
    );
  });

  it.each([
    ['has no Landlock', 'landlock.version = lambda: 0', 'the kernel of this machine has no Landlock'],
    [
      'has another processor',
      'import types; seccomp = sandbox.seccomp; seccomp.os = types.SimpleNamespace(uname=lambda: types.SimpleNamespace(machine="riscv64"))',
      'no table of system calls for riscv64',
    ],
  ])('refuses in one sentence where it %s', (_what, change, text) => {
    const code = `import sys; sys.path.insert(0, "tools/python"); import landlock, sandbox; ${change}
try: sandbox.check({"network": False, "mode": "landlock"})
except sandbox.Refused as refused: print(refused)`;

    const { stdout } = spawnSync('python3', ['-c', code], { encoding: 'utf8' });

    expect(stdout).toContain(text);
    expect(stdout).toContain('TOOL_SANDBOX=none');
  });

  it('names the setting where there is no Python', async () => {
    await expect(
      run('def f(): return 1', {}, { language: testPython({ searchPath: ['/nowhere'] }) }),
    ).rejects.toThrow(/set TOOL_PYTHON/);
    await expect(
      run('def f(): return 1', {}, { language: testPython({ python: '/bin/cat' }) }),
    ).rejects.toThrow(/TOOL_PYTHON names \/bin\/cat/);
  });
});
