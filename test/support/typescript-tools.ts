import os from 'node:os';
import path from 'node:path';
import type { SourceCall, SourceTool } from '../../domain/source-tool';
import type { TypeScriptSettings } from '../../tools/typescript/settings';
import { buildCallContext } from './build-tool';

/** Settings as the server has them, with a folder for packages of the test's own. */
export const typeScriptSettings = (facts: Partial<TypeScriptSettings> = {}): TypeScriptSettings => ({
  network: false,
  timeoutMs: 20_000,
  memoryBytes: 1 << 30,
  searchPath: (process.env['PATH'] ?? '').split(path.delimiter),
  packagesFolder: path.join(os.tmpdir(), 'everturn-test-npm-packages'),
  npmEnvironment: {},
  ...facts,
});

export const silentLog = { info: () => undefined, warn: () => undefined };

/** A tool named `f` in TypeScript. */
export const typeScriptTool = (sourceCode: string, facts: Partial<SourceTool> = {}): SourceTool => ({
  id: 'tool-1',
  name: 'f',
  sourceType: 'typescript',
  sourceCode,
  jsonSchema: { name: 'f', description: '', parameters: {} },
  argsJsonSchema: null,
  returnCharLimit: 50_000,
  pipRequirements: null,
  npmRequirements: null,
  network: null,
  ...facts,
});

/** One call of agent-1. */
export const sourceCall = (facts: Partial<SourceCall> = {}): SourceCall => ({
  ...buildCallContext(),
  agentState: () => Promise.resolve(null),
  ...facts,
});
