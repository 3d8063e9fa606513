import { execFile } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../../domain/errors';
import type { SchemaDeriver } from '../../domain/source-tool';
import type { Interpreter } from './interpreter';

const SCRIPT = path.join(__dirname, 'derive_schema.py');
const TIMEOUT_MS = 15_000;

const Answer = z.union([
  z.object({
    schema: z.object({
      name: z.string(),
      description: z.string(),
      parameters: z.record(z.string(), z.unknown()),
    }),
  }),
  z.object({ error: z.string() }),
]);

/** Reads schemas with Python's own parser, in a short-lived process that runs nothing of the source. */
export function createPythonSchemas(interpreter: () => Promise<Interpreter>): SchemaDeriver {
  return async ({ sourceCode, name, parameters }) => {
    const { executable } = await interpreter();
    const request = { source: sourceCode, name, describeOnly: parameters !== null };
    const answer = Answer.safeParse(await ask(executable, JSON.stringify(request)));
    if (!answer.success)
      throw underivable('the source could not be read; it may be too large or nested too deeply');
    if ('error' in answer.data) throw underivable(answer.data.error);
    const { schema } = answer.data;
    return parameters === null ? schema : { ...schema, parameters };
  };
}

function ask(executable: string, input: string): Promise<unknown> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: 8 << 20, env: {}, cwd: '/' };
    const child = execFile(executable, ['-I', '-S', '-X', 'utf8', SCRIPT], options, (error, stdout) =>
      resolve(error ? undefined : parseJson(stdout)),
    );
    // A parser that died is told by its end.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Told to the caller as a source that can't be read.
  }
}

const underivable = (reason: string): AppError =>
  new AppError('INVALID_ARGUMENT', `Failed to derive json schema: Schema generation failed: ${reason}`);
