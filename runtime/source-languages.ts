import path from 'node:path';
import type { Config } from '../config';
import type { SourceLanguage } from '../domain/source-tool';
import type { Logger } from '../log';
import { createPythonLanguage } from '../tools/python/python-language';
import { createSourceLanguages } from '../tools/source-languages';
import { createTypeScriptLanguage } from '../tools/typescript/typescript-language';

/** The languages of this build, behind one face. */
export function composeLanguages(config: Config, log: Logger): SourceLanguage {
  const python = createPythonLanguage(
    {
      ...config.tools,
      searchPath: config.searchPath,
      packagesFolder: path.join(config.cacheFolder, 'python-packages'),
    },
    log,
  );
  const typescript = createTypeScriptLanguage(
    {
      ...config.tools,
      searchPath: config.searchPath,
      packagesFolder: path.join(config.cacheFolder, 'npm-packages'),
    },
    log,
  );
  return createSourceLanguages({ python, typescript });
}
