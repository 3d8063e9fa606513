import { createTypeScriptLanguage } from '../../tools/typescript/typescript-language';
import { silentLog, sourceCall, typeScriptSettings, typeScriptTool } from './typescript-tools';

// A process that runs the tool given as its argument, to be killed in the middle.
const language = createTypeScriptLanguage(typeScriptSettings(), silentLog);
void language.runTool(typeScriptTool(process.argv[2] ?? ''), {}, sourceCall());
