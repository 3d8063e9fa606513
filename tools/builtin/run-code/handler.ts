import type { CodeRunner } from '../../../domain/source-tool';
import { toolError } from '../../../domain/tool-failure';
import { textArgument, type ReadHandler } from '../../handler';

/**
 * Runs a piece of code in the sandbox of its language. What the code does wrong is part of the answer; only a language
 * that this server has no sandbox for is an error of the tool.
 */
export function createRunCode(languages: Readonly<Record<string, CodeRunner>>): ReadHandler {
  return async (args, context) => {
    const language = textArgument(args, 'language');
    const run = Object.hasOwn(languages, language) ? languages[language] : undefined;
    if (!run) throw unknownLanguage(language, Object.keys(languages));
    const code = textArgument(args, 'code');
    const done = await run(code, { ...context, agentState: () => Promise.resolve(null) });
    const lines = (text: string) => (text === '' ? [] : [text]);
    return JSON.stringify({
      results: done.results,
      logs: { stdout: lines(done.stdout), stderr: lines(done.stderr) },
      ...(done.error && { error: done.error }),
    });
  };
}

const unknownLanguage = (language: string, known: readonly string[]) =>
  toolError(
    'NotImplementedError',
    known.length === 0
      ? 'run_code is not available: this server has no sandbox to run code in. Answer without running code.'
      : `run_code has no sandbox for ${language} on this server. Use ${known.join(' or ')}.`,
  );
