import type { NewPassage } from '../../../domain/archive';
import { AppError } from '../../../domain/errors';
import type { MemoryChange } from '../../../domain/memory-changes';
import type { ArchivalRecall, MemoryBlock, MemoryTransaction, Recall } from '../../../domain/ports';
import { toBuiltinTool, type ToolModule } from '../../../tools/handler';
import { builtinTools } from '../../../tools/registry';
import { createToolRunner } from '../../../tools/tool-runner';
import { buildCallContext, buildTool } from '../../support/build-tool';
import { noAgentFiles } from '../../support/no-agent-files';

const tool = (name: string) =>
  buildTool(builtinTools.find((candidate) => candidate.name === name) ?? { name });
const blockOf = (label: string, value: string, readOnly = false): MemoryBlock => ({
  id: `block-${label}`,
  label,
  value,
  limit: 100_000,
  readOnly,
  version: 1,
});

class Memory implements MemoryTransaction {
  readonly written: [string, string][] = [];
  constructor(private readonly stored: readonly MemoryBlock[]) {}
  blocks() {
    return Promise.resolve(this.stored);
  }
  writeBlock(block: MemoryBlock, value: string) {
    this.written.push([block.label, value]);
    return Promise.resolve();
  }
  async applyChanges(changes: readonly MemoryChange[]) {
    for (const change of changes)
      if (change.kind === 'write') await this.writeBlock(change.block, change.value);
  }
  readonly passages: NewPassage[] = [];
  insertPassage(passage: NewPassage) {
    this.passages.push(passage);
    return Promise.resolve();
  }
}

const noArchive: ArchivalRecall = {
  search: () => Promise.resolve({ hits: [], mode: 'text', reason: null, timezone: 'UTC' }),
};
const warnings: object[] = [];
const noRecall: Recall['search'] = () => Promise.resolve({ hits: [], mode: 'text' });
const runnerWith = (recall = noRecall, archive = noArchive) =>
  createToolRunner({
    recall: { search: recall },
    archive,
    files: noAgentFiles,
    exaApiKey: null,
    log: { warn: (facts) => warnings.push(facts) },
    now: () => new Date('2026-01-01T00:00:00Z'),
  });
const memory = () =>
  new Memory([blockOf('persona', 'p'), blockOf('human', 'h'), blockOf('notes', 'n', true)]);
const context = buildCallContext();

beforeEach(() => warnings.splice(0));

describe('memory tools', () => {
  it.each([
    ['memory_insert', { label: 'human', new_string: 'x' }, 'h\nx'],
    ['memory_replace', { label: 'human', old_string: 'h', new_string: 'y' }, 'y'],
    ['memory_rethink', { label: 'human', new_memory: 'z' }, 'z'],
    ['core_memory_append', { label: 'human', content: 'x' }, 'h\nx'],
    ['core_memory_replace', { label: 'human', old_content: 'h', new_content: 'y' }, 'y'],
  ])('%s writes the block and returns its new value', async (name, args, value) => {
    const blocks = memory();

    const outcome = await runnerWith().runTransactional(tool(name), args, context, blocks);

    expect(runnerWith().isTransactional(tool(name))).toBe(true);
    expect(outcome).toEqual({ status: 'success', result: value, stdout: null, stderr: null });
    expect(blocks.written).toEqual([['human', value]]);
  });

  it('answers an unknown label with the recorded text and writes nothing', async () => {
    const blocks = memory();
    const args = { label: 'nope', old_string: 'x', new_string: 'y' };

    const outcome = await runnerWith().runTransactional(tool('memory_replace'), args, context, blocks);

    const text = "'Block field nope does not exist (available sections = persona, human, notes)'";
    expect(outcome).toEqual({
      status: 'error',
      result: text,
      stdout: null,
      stderr: [`Error executing function memory_replace: KeyError: ${text}`],
    });
    expect(blocks.written).toEqual([]);
  });

  it('answers for a read-only block with the recorded text', async () => {
    const args = { label: 'notes', new_string: 'z' };

    const outcome = await runnerWith().runTransactional(tool('memory_insert'), args, context, memory());

    expect(outcome).toEqual({
      status: 'error',
      result: 'Error This block is read-only and cannot be edited.',
      stdout: null,
      stderr: [
        'Error executing function memory_insert: ValueError: Error This block is read-only and cannot be edited.',
      ],
    });
  });

  it('checks arguments that nobody has checked before', async () => {
    const outcome = await runnerWith().runTransactional(
      tool('memory_insert'),
      { label: 'human' },
      context,
      memory(),
    );

    expect(outcome.result).toContain("missing 1 required positional argument: 'new_string'");
  });

  it('lets failures of the database through, whether they come from reading or from writing', async () => {
    const down = new Error('connection lost');
    const reading = Object.assign(memory(), { blocks: () => Promise.reject(down) });
    const writing = Object.assign(memory(), { writeBlock: () => Promise.reject(down) });
    const args = { label: 'human', new_string: 'x' };

    await expect(runnerWith().runTransactional(tool('memory_insert'), args, context, reading)).rejects.toBe(
      down,
    );
    await expect(runnerWith().runTransactional(tool('memory_insert'), args, context, writing)).rejects.toBe(
      down,
    );
  });
});

describe('archival tools', () => {
  it('archival_memory_insert stores one passage under an id of its call and answers None', async () => {
    const [first, repeated] = [memory(), memory()];
    const args = { content: 'grass is green', tags: ['grass', ' grass ', ''] };

    const outcome = await runnerWith().runTransactional(tool('archival_memory_insert'), args, context, first);
    await runnerWith().runTransactional(tool('archival_memory_insert'), args, context, repeated);

    expect(runnerWith().isTransactional(tool('archival_memory_insert'))).toBe(true);
    expect(outcome).toMatchObject({ status: 'success', result: 'None' });
    expect(first.passages).toMatchObject([{ text: 'grass is green', tags: ['grass'], metadata: {} }]);
    expect(repeated.passages).toEqual(first.passages);
  });

  it.each([[{ content: ' ' }], [{}], [{ content: 'x', tags: 'red' }], [{ content: 'x', color: 'red' }]])(
    'archival_memory_insert stores nothing for %j',
    async (args) => {
      const blocks = memory();
      const insert = tool('archival_memory_insert');

      const outcome = await runnerWith().runTransactional(insert, args, context, blocks);

      expect(outcome.status).toBe('error');
      expect(blocks.passages).toEqual([]);
    },
  );

  it('archival_memory_search asks for what its arguments say and answers a Python list, uncut', async () => {
    const asked: unknown[] = [];
    const text = "it's grass".padEnd(60_000, '.');
    const createdAt = new Date('2026-11-24T01:53:14.356Z');
    const passage = { id: 'passage-1', text, tags: ['grass'], createdAt };
    const archive = {
      search: (...query: unknown[]) => {
        asked.push(query);
        return Promise.resolve({ hits: [{ passage }], mode: 'text', reason: null, timezone: 'Asia/Kolkata' });
      },
    } as unknown as ArchivalRecall; // what the tool reads of a hit
    const args = {
      query: 'grass',
      tags: ['grass'],
      tag_match_mode: 'all',
      top_k: 3,
      end_datetime: '2026-03-01',
    };

    const outcome = await runnerWith(undefined, archive).run(tool('archival_memory_search'), args, context);

    const to = new Date('2026-03-01T23:59:59.999Z');
    const query = { text: 'grass', tags: ['grass'], tagMatch: 'all', from: null, to, limit: 3 };
    expect(asked).toEqual([[context.agentId, query]]);
    expect(outcome.result).toBe(
      `[{'id': 'passage-1', 'timestamp': '2026-11-24T07:23:14.356000+05:30', 'content': "${text}", 'tags': ['grass']}]`,
    );
  });
});

describe('other tools', () => {
  it('answers that run_code is not available', async () => {
    const outcome = await runnerWith().run(tool('run_code'), { code: '1', language: 'python' }, context);

    expect(outcome.status).toBe('error');
    expect(outcome.result).toMatch(/run_code is not available: this server has no sandbox/);
    expect(outcome.stderr?.[0]).toMatch(/^Error executing function run_code: NotImplementedError: /);
  });

  it.each([
    ['a user tool', buildTool({ name: 'roll_dice' }, { sourceCode: 'def roll_dice(): ...' })],
    ['a user tool with the name of a built-in one', buildTool({ name: 'web_search' })],
    ['an MCP tool', buildTool({ name: 'mail', toolType: 'external_mcp' })],
    [
      'a Letta tool that does not exist here',
      buildTool({ name: 'close_files', toolType: 'letta_files_core' }),
    ],
  ])('answers that it cannot run %s', async (_what, unknown) => {
    const runner = runnerWith();

    for (const outcome of [
      await runner.run(unknown, {}, context),
      await runner.runTransactional(unknown, {}, context, memory()),
    ]) {
      expect(outcome.status).toBe('error');
      expect(outcome.result).toMatch(/This version of the server cannot run/);
    }
    expect(runner.isTransactional(unknown)).toBe(false);
  });

  it('turns a bug in a tool into its result and logs it without arguments', async () => {
    const runner = runnerWith(() => {
      throw new TypeError('x is undefined');
    });

    const outcome = await runner.run(tool('conversation_search'), { query: 'secret words' }, context);

    expect(outcome.stderr).toEqual([
      'Error executing function conversation_search: TypeError: x is undefined',
    ]);
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toContain('secret words');
  });

  it('lets a failure through that another attempt may mend', async () => {
    const down = new AppError('UNAVAILABLE', 'database is away');

    await expect(
      runnerWith(() => Promise.reject(down)).run(tool('conversation_search'), {}, context),
    ).rejects.toBe(down);
  });

  it('stops with CANCELLED when the call is cancelled, before and during the work', async () => {
    const before = buildCallContext({ signal: AbortSignal.abort() });
    const abort = new AbortController();
    const during = runnerWith(() => {
      abort.abort();
      return Promise.reject(new Error('query cancelled'));
    });

    await expect(runnerWith().run(tool('run_code'), {}, before)).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(
      during.run(tool('conversation_search'), {}, buildCallContext({ signal: abort.signal })),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('stops for the reason of its worker, which is no cancellation', async () => {
    const leaving = new AppError('UNAVAILABLE', 'this worker is shutting down');
    const context = buildCallContext({ signal: AbortSignal.abort(leaving) });

    await expect(runnerWith().run(tool('run_code'), {}, context)).rejects.toBe(leaving);
  });

  it('cuts a result at the tool’s limit, but not that of a search', async () => {
    const long = 'x'.repeat(200);
    const short = { ...tool('memory_rethink'), returnCharLimit: 10 };
    const search = { ...tool('conversation_search'), returnCharLimit: 10 };
    const place = { score: 1, textRank: 1, vectorRank: null };
    const hit = { messageId: 'message-1', role: 'user', text: long, createdAt: new Date(0), ...place };

    const cut = await runnerWith().runTransactional(
      short,
      { label: 'human', new_memory: long },
      context,
      memory(),
    );
    const whole = await runnerWith(() => Promise.resolve({ hits: [hit], mode: 'text' })).run(
      search,
      {},
      context,
    );

    expect(cut.result).toBe(
      'xxxxxxxxxx... [NOTE: function output was truncated since it exceeded the character limit: 200 > 10]',
    );
    expect(whole.result).toContain(long);
  });
});

describe('a tool given by code', () => {
  const send: ToolModule = {
    name: 'send',
    description: 'Sends.',
    parameters: { type: 'object', properties: { to: { type: 'string' } } },
    effects: 'once',
    enableParallelExecution: false,
    run: (args, { idempotencyKey }) => Promise.resolve(`${String(args['to'])} ${idempotencyKey}`),
  };
  const runnerOf = (module: ToolModule) =>
    createToolRunner({
      recall: { search: noRecall },
      archive: noArchive,
      files: noAgentFiles,
      exaApiKey: null,
      modules: [module],
      log: { warn: () => undefined },
    });
  const stored = { ...buildTool(toBuiltinTool(send)), returnCharLimit: 5 };

  it('is run with its arguments and the key of the call', async () => {
    const outcome = await runnerOf(send).run(buildTool(toBuiltinTool(send)), { to: 'Ada' }, context);

    expect(outcome).toMatchObject({ status: 'success', result: 'Ada run-1/0/call-1' });
  });

  it('has no probe unless it brings one', async () => {
    expect(runnerOf(send).hasProbe(stored)).toBe(false);
    expect(await runnerOf(send).probe(stored, {}, context)).toEqual({ outcome: 'unknown' });
  });

  it('is asked by its probe what became of a call, and the answer is cut like a result', async () => {
    const runner = runnerOf({
      ...send,
      probe: () => Promise.resolve({ outcome: 'done', result: 'sent long ago' }),
    });

    const probed = await runner.probe(stored, {}, context);

    expect(runner.hasProbe(stored)).toBe(true);
    expect(probed).toMatchObject({ outcome: 'done', result: { status: 'success' } });
    expect(JSON.stringify(probed)).toContain('13 > 5');
  });

  it('does not lend its code to a user tool of its name', () => {
    const runner = runnerOf({ ...send, probe: () => Promise.resolve({ outcome: 'not_done' }) });

    expect(runner.hasProbe(buildTool({ name: 'send' }))).toBe(false);
  });
});
