import type { SourceCall, SourceLanguage } from '../../../domain/source-tool';
import { succeededOutcome, toolError } from '../../../domain/tool-failure';
import { runCodeTool } from '../../../tools/builtin/run-code/tool';
import { createToolRunner } from '../../../tools/tool-runner';
import { createSourceLanguages } from '../../../tools/source-languages';
import { buildCallContext, buildTool } from '../../support/build-tool';
import { noAgentFiles } from '../../support/no-agent-files';

const calls: SourceCall[] = [];
const language = (name: string): SourceLanguage => ({
  deriveSchema: () => Promise.resolve({ name, description: '', parameters: {} }),
  runTool: (_tool, _args, call) => {
    calls.push(call);
    return Promise.resolve(succeededOutcome(`${name} ran it`));
  },
  runCode: {
    [name]: () => Promise.resolve({ results: ['4'], stdout: 'two\n', stderr: '', error: null }),
  },
});
const both = createSourceLanguages({ python: language('python'), typescript: language('ts') });
const onlyPython = createSourceLanguages({ python: language('python'), typescript: null });
const source = (sourceType: string) => ({ sourceCode: 'x', sourceType, name: null, parameters: null });
const stored = (sourceType: string) => buildTool({ name: 'f' }, { sourceType, sourceCode: 'x' });
const runner = (sources: SourceLanguage) =>
  createToolRunner({
    recall: { search: () => Promise.resolve({ hits: [], mode: 'text' }) },
    archive: { search: () => Promise.reject(new Error('nothing is archived here')) },
    files: noAgentFiles,
    exaApiKey: null,
    sources,
    agentState: (agentId) => Promise.resolve({ id: agentId }),
    log: { warn: () => undefined },
  });

it.each([
  ['python', 'python'],
  ['json', 'python'],
  ['typescript', 'ts'],
])('a source of type %s is read and run as %s', async (sourceType, name) => {
  expect((await both.deriveSchema(source(sourceType))).name).toBe(name);
  const outcome = await runner(both).run(stored(sourceType), {}, buildCallContext());
  expect(outcome.result).toBe(`${name} ran it`);
});

it('a language that is not there says so, when it is read and when it is run', async () => {
  await expect(onlyPython.deriveSchema(source('typescript'))).rejects.toThrow(/Send `json_schema`/);
  const outcome = await runner(onlyPython).run(stored('typescript'), {}, buildCallContext());
  expect(outcome).toMatchObject({ status: 'error', result: expect.stringContaining('cannot run f') });
});

it('a tool is told of its call, and may ask for its agent', async () => {
  calls.splice(0);
  await runner(both).run(stored('python'), {}, buildCallContext({ secrets: { KEY: 'v' } }));

  expect(calls[0]).toMatchObject({ idempotencyKey: 'run-1/0/call-1', secrets: { KEY: 'v' } });
  expect(await calls[0]?.agentState()).toEqual({ id: 'agent-1' });
});

it('a refusal of the sandbox is an outcome of the tool, for a source on trial as well', async () => {
  const refusing = {
    ...onlyPython,
    runTool: () => Promise.reject(toolError('RuntimeError', 'no python3')),
  };
  const failing = { ...onlyPython, runTool: () => Promise.reject(new Error('broken')) };
  const call: SourceCall = { ...buildCallContext(), agentId: null, agentState: () => Promise.resolve(null) };

  expect(await runner(refusing).tryOut(stored('python'), {}, call)).toMatchObject({
    status: 'error',
    stderr: ['Error executing function f: RuntimeError: no python3'],
  });
  expect(await runner(failing).tryOut(stored('python'), {}, call)).toMatchObject({
    status: 'error',
    result: 'broken',
  });
});

it.each([
  ['python', '{"results":["4"],"logs":{"stdout":["two\\n"],"stderr":[]}}'],
  ['r', 'run_code has no sandbox for r on this server. Use ts or python.'],
])('run_code in %s answers %s', async (name, result) => {
  const tool = buildTool(runCodeTool);

  expect(await runner(both).run(tool, { code: '2+2', language: name }, buildCallContext())).toMatchObject({
    result,
  });
});
