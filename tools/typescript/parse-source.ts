import type ts from 'typescript';
import { compiler } from './compiler';
import { SourceProblem } from './source-problem';

/** A function that the source exports. */
export interface ExportedFunction {
  /** The tool's name. */
  readonly name: string;
  /** Under which name the module exports it: its own, or `default`. */
  readonly exportName: string;
  readonly node: FunctionNode;
  readonly file: ts.SourceFile;
}
export type FunctionNode = ts.FunctionDeclaration | ts.FunctionExpression | ts.ArrowFunction;

/** The name of a tool's file: JavaScript is read without the syntax of types. */
export const fileNameOf = (sourceType: string): string =>
  sourceType === 'javascript' ? 'tool.js' : 'tool.ts';

/**
 * The function that is the tool, without running anything: the one called `name`, otherwise the last one that the source
 * exports. Throws a SourceProblem for a syntax error, for two functions of one name, which no module can hold, and when there
 * is no such function.
 */
export function findFunction(source: string, sourceType: string, name: string | null): ExportedFunction {
  const functions = exportedFunctions(parseSource(source, sourceType));
  const found = functions.filter((each) => name === null || each.name === name).at(-1);
  if (found) return found;
  if (functions.length === 0) {
    throw new SourceProblem(
      'No exported function found in source code. Write the tool as `export function name(...)`',
    );
  }
  const names = functions.map((each) => each.name).join(', ');
  throw new SourceProblem(
    `Function '${String(name)}' is not exported by the source code, which exports ${names}`,
  );
}

function parseSource(source: string, sourceType: string): ts.SourceFile {
  const ts = compiler();
  const fileName = fileNameOf(sourceType);
  const { diagnostics = [] } = ts.transpileModule(source, {
    fileName,
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, allowJs: true },
  });
  const [first] = diagnostics;
  const file = ts.createSourceFile(
    fileName,
    source,
    { languageVersion: ts.ScriptTarget.ESNext, jsDocParsingMode: ts.JSDocParsingMode.ParseAll },
    true,
  );
  if (!first) return file;
  const line = file.getLineAndCharacterOfPosition(first.start ?? 0).line + 1;
  const reason = ts.flattenDiagnosticMessageText(first.messageText, ' ').replace(/\.$/, '');
  throw new SourceProblem(`Failed to parse source code: ${reason} (line ${line})`);
}

function exportedFunctions(file: ts.SourceFile): readonly ExportedFunction[] {
  const locals = localFunctions(file);
  return file.statements.flatMap((statement) =>
    exportsOf(statement, locals).map((each) => ({ ...each, file })),
  );
}

type Exported = Omit<ExportedFunction, 'file'>;

function exportsOf(statement: ts.Statement, locals: ReadonlyMap<string, FunctionNode>): readonly Exported[] {
  const ts = compiler();
  if (ts.isExportAssignment(statement)) return defaultExport(statement.expression, locals);
  if (ts.isExportDeclaration(statement)) return listedExports(statement, locals);
  if (!ts.canHaveModifiers(statement)) return [];
  const has = (kind: ts.SyntaxKind) =>
    ts.getModifiers(statement)?.some((each) => each.kind === kind) ?? false;
  if (!has(ts.SyntaxKind.ExportKeyword)) return [];
  const isDefault = has(ts.SyntaxKind.DefaultKeyword);
  return functionsOf(statement).map(([name, node]) => ({
    name,
    exportName: isDefault ? 'default' : name,
    node,
  }));
}

function defaultExport(
  expression: ts.Expression,
  locals: ReadonlyMap<string, FunctionNode>,
): readonly Exported[] {
  const name = compiler().isIdentifier(expression) ? expression.text : null;
  const node = name === null ? undefined : locals.get(name);
  return name !== null && node ? [{ name, exportName: 'default', node }] : [];
}

function listedExports(
  { exportClause, moduleSpecifier }: ts.ExportDeclaration,
  locals: ReadonlyMap<string, FunctionNode>,
): readonly Exported[] {
  if (moduleSpecifier || !exportClause || !compiler().isNamedExports(exportClause)) return [];
  return exportClause.elements.flatMap(({ name, propertyName }) => {
    const node = locals.get((propertyName ?? name).text);
    return node ? [{ name: name.text, exportName: name.text, node }] : [];
  });
}

function localFunctions(file: ts.SourceFile): ReadonlyMap<string, FunctionNode> {
  const locals = new Map<string, FunctionNode>();
  for (const [name, node] of file.statements.flatMap(functionsOf)) {
    if (locals.has(name)) {
      const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
      throw new SourceProblem(`Function '${name}' is defined twice (line ${line})`);
    }
    locals.set(name, node);
  }
  return locals;
}

/** The functions that a statement declares under a name. Signatures of overloads have no body and do not count. */
function functionsOf(statement: ts.Statement): readonly (readonly [string, FunctionNode])[] {
  const ts = compiler();
  if (ts.isFunctionDeclaration(statement))
    return statement.name && statement.body ? [[statement.name.text, statement]] : [];
  if (!ts.isVariableStatement(statement)) return [];
  return statement.declarationList.declarations.flatMap(({ name, initializer: value }) => {
    const isFunction = value && (ts.isArrowFunction(value) || ts.isFunctionExpression(value));
    return ts.isIdentifier(name) && isFunction ? [[name.text, value] as const] : [];
  });
}
