import { loadConfig, readEnvironment } from '../config';
import type { SourceCall, SourceTool } from '../domain/source-tool';
import { createLogger } from '../log';
import { composeLanguages } from '../runtime/source-languages';
import { quantile } from './load';

const CALLS = 60;

const TOOL: SourceTool = {
  id: 'tool-bench',
  name: 'add',
  sourceType: 'python',
  sourceCode: 'def add(a: int, b: int) -> int:\n    return a + b\n',
  jsonSchema: { name: 'add', description: '', parameters: {} },
  returnCharLimit: 50_000,
  pipRequirements: null,
  npmRequirements: null,
  network: null,
};
const CALL: SourceCall = {
  ...{
    agentId: null,
    runId: 'run-bench',
    stepId: 'step-bench',
    toolCallId: 'call-bench',
    idempotencyKey: 'bench',
  },
  secrets: {},
  signal: new AbortController().signal,
  agentState: () => Promise.resolve(null),
};

/** Times calls of a Python tool in the sandbox of this machine, one after the other; the first is not counted. */
export async function timePythonTool(): Promise<{ readonly p50Ms: number; readonly p95Ms: number }> {
  const { runTool } = composeLanguages(loadConfig(readEnvironment()), createLogger('silent'));
  const call = async () => {
    const outcome = await runTool(TOOL, { a: 1, b: 2 }, CALL);
    if (outcome.result !== '3') throw new Error(`the tool answered: ${outcome.result}`);
  };
  await call();
  const times: number[] = [];
  for (let count = 0; count < CALLS; count++) {
    const startedAt = performance.now();
    await call();
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  return { p50Ms: quantile(times, 0.5), p95Ms: quantile(times, 0.95) };
}
