import { compiler } from './compiler';
import { fileNameOf } from './parse-source';

/**
 * A piece of code as a module whose default export is the value of its last expression, if it ends with one. Lines keep
 * their numbers.
 */
export function toCodeModule(code: string, sourceType: string): string {
  const ts = compiler();
  const file = ts.createSourceFile(fileNameOf(sourceType), code, ts.ScriptTarget.ESNext, true);
  const last = file.statements.at(-1);
  const hasDefault = file.statements.some(
    (each) => ts.isExportAssignment(each) || /^export\s+default\b/.test(each.getText()),
  );
  if (!last || !ts.isExpressionStatement(last) || hasDefault) return `${code}\nexport {};\n`;
  const expression = last.expression.getText();
  return `${code.slice(0, last.getStart())}export default (${expression}\n);\n`;
}
