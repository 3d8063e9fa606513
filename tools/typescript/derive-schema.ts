import type ts from 'typescript';
import { AppError } from '../../domain/errors';
import type { SchemaDeriver } from '../../domain/source-tool';
import type { ToolJsonSchema } from '../../domain/tool';
import { compiler } from './compiler';
import { readSignature, type Parameter } from './parameters';
import { findFunction, type ExportedFunction } from './parse-source';
import { SourceProblem } from './source-problem';
import { createTypeReader, type JsonSchema, type ReadType } from './type-schema';

/**
 * Reads the schema of a TypeScript or JavaScript tool from its syntax: an exported function with types and JSDoc. Nothing of
 * the source runs. What is missing is told in Letta's words, as INVALID_ARGUMENT.
 */
export const deriveTypeScriptSchema: SchemaDeriver = ({ sourceCode, sourceType, name, parameters }) =>
  Promise.resolve().then(() => {
    try {
      const found = findFunction(sourceCode, sourceType, name);
      return parameters === null
        ? derive(found)
        : { name: found.name, description: descriptionOf(found.node), parameters };
    } catch (error) {
      throw asUnderivable(error);
    }
  });

function asUnderivable(error: unknown): unknown {
  // The parser recurses: nesting beyond every real source exhausts its stack.
  const problem =
    error instanceof RangeError
      ? new SourceProblem('Failed to parse source code: it is nested too deeply')
      : error;
  if (!(problem instanceof SourceProblem)) return problem;
  return new AppError(
    'INVALID_ARGUMENT',
    `Failed to derive json schema: Schema generation failed: ${problem.message}`,
    { cause: error },
  );
}

function derive({ name, node, file }: ExportedFunction): ToolJsonSchema {
  const description = descriptionOf(node);
  if (description === '')
    throw new SourceProblem(
      `Function ${name} missing docstring: describe it in a /** ... */ comment before it`,
    );
  const readType = createTypeReader(file);
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const parameter of readSignature(node, file).parameters) {
    const { schema, isOptional } = readParameter(name, parameter, readType);
    properties[parameter.name] = { ...schema, description: parameter.description };
    if (!isOptional && !parameter.isOptional) required.push(parameter.name);
  }
  return { name, description, parameters: { type: 'object', properties, required } };
}

function readParameter(
  functionName: string,
  { name, type, isInteger, description }: Parameter,
  readType: (node: ts.TypeNode) => ReadType,
): ReadType {
  const where = `Parameter '${name}' in function '${functionName}'`;
  if (type === undefined) throw new SourceProblem(`${where} lacks a type annotation`);
  if (description === '')
    throw new SourceProblem(
      `${where} lacks a description in the docstring: add \`@param ${name} - what it means\``,
    );
  try {
    const read = readType(type);
    if (Object.keys(read.schema).length === 0)
      throw new SourceProblem(`type '${type.getText()}' has no values`);
    return isInteger && read.schema['type'] === 'number'
      ? { ...read, schema: { ...read.schema, type: 'integer' } }
      : read;
  } catch (error) {
    if (error instanceof SourceProblem) throw new SourceProblem(`${where}: ${error.message}`);
    throw error;
  }
}

/** The comment of a function and its examples. */
function descriptionOf(node: ExportedFunction['node']): string {
  const ts = compiler();
  const comment = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1);
  const text = (ts.getTextOfJSDocComment(comment?.comment) ?? '').trim();
  const examples = (comment?.tags ?? [])
    .filter((tag) => tag.tagName.text === 'example')
    .map((tag) => (ts.getTextOfJSDocComment(tag.comment) ?? '').trim());
  return text !== '' && examples.length > 0 ? `${text}\n\nExamples:\n${examples.join('\n')}` : text;
}
