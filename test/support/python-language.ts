import os from 'node:os';
import path from 'node:path';
import type { SourceLanguage } from '../../domain/source-tool';
import { createPythonLanguage } from '../../tools/python/python-language';
import type { PythonSettings } from '../../tools/python/settings';

/** Python tools as the server runs them, with the settings given. */
export const testPython = (settings: Partial<PythonSettings> = {}): SourceLanguage =>
  createPythonLanguage(
    {
      sandbox: 'landlock',
      network: false,
      timeoutMs: 60_000,
      memoryBytes: 1 << 30,
      python: null,
      searchPath: (process.env['PATH'] ?? '').split(path.delimiter),
      packagesFolder: path.join(os.tmpdir(), 'everturn-test-packages'),
      pipEnvironment: {},
      ...settings,
    },
    { info: () => undefined, warn: () => undefined },
  );
