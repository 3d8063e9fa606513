import { AppError } from '../domain/errors';
import type { SourceLanguage } from '../domain/source-tool';
import { toolError } from '../domain/tool-failure';

export interface LanguageTable {
  /** Null where this build brings no such language. */
  readonly python: SourceLanguage | null;
  readonly typescript: SourceLanguage | null;
}

/** All languages behind one face: a tool's `sourceType` decides. Letta's default, `json`, means Python. */
export function createSourceLanguages(table: LanguageTable): SourceLanguage {
  const languageOf = (sourceType: string) =>
    ['typescript', 'javascript'].includes(sourceType) ? table.typescript : table.python;
  return {
    deriveSchema: async (source) => {
      const language = languageOf(source.sourceType);
      if (language) return language.deriveSchema(source);
      throw new AppError(
        'INVALID_ARGUMENT',
        'Failed to derive json schema: Schema generation failed: this version does not read schemas from ' +
          `${source.sourceType}. Send \`json_schema\` with the tool.`,
      );
    },
    runTool: async (tool, args, call) => {
      const language = languageOf(tool.sourceType);
      if (language) return language.runTool(tool, args, call);
      throw toolError(
        'NotImplementedError',
        `This version of the server cannot run ${tool.name} (${tool.sourceType}). Go on without it.`,
      );
    },
    runCode: { ...table.typescript?.runCode, ...table.python?.runCode },
  };
}
