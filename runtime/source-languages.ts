import type { SourceLanguage } from '../domain/source-tool';
import { createSourceLanguages } from '../tools/source-languages';

/** The languages of this build, behind one face. */
export function composeLanguages(): SourceLanguage {
  return createSourceLanguages({ python: null, typescript: null });
}
