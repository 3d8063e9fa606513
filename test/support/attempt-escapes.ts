// Runs tools as the user that this process has, and prints what came of them: an escape test starts it as another user.
import type { ToolOutcome } from '../../domain/tool';
import type { PythonSettings } from '../../tools/python/settings';
import { buildTool } from './build-tool';
import { ESCAPE_ATTEMPTS, PRELUDE, type EscapeAttempt } from './escape-attempts';
import { testPython } from './python-language';
import { readFileSync } from 'node:fs';

interface Order {
  readonly sandbox: PythonSettings['sandbox'];
  readonly targets: object;
}

async function main(): Promise<void> {
  const { sandbox, targets } = JSON.parse(readFileSync(0, 'utf8')) as Order; // written by the test
  const python = testPython({ sandbox, timeoutMs: 30_000 });
  const attempt = ({ body, network = false }: EscapeAttempt): Promise<ToolOutcome> => {
    const sourceCode = `${PRELUDE}\ndef f(t):\n    ${body.trim()}\n`;
    const tool = buildTool({ name: 'f' }, { sourceCode, network });
    const call = {
      ...{ agentId: 'agent-1', runId: 'run-1', stepId: 'step-1', toolCallId: 'call-1' },
      ...{ idempotencyKey: 'run-1/0/call-1', secrets: {}, signal: new AbortController().signal },
      agentState: () => Promise.resolve(null),
    };
    return python.runTool(tool, { t: targets }, call);
  };
  const outcomes = await mapInOrder(ESCAPE_ATTEMPTS, attempt);
  process.stdout.write(JSON.stringify(outcomes));
}

const AT_A_TIME = 4;

async function mapInOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index]!);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return results;
}

void main();
