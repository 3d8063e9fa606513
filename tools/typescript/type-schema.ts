import type ts from 'typescript';
import { compiler } from './compiler';
import { SourceProblem } from './source-problem';

export type JsonSchema = Readonly<Record<string, unknown>>;
/** A type as JSON schema, and whether it lets the value be left out (`undefined` or `null` among its alternatives). */
export interface ReadType {
  readonly schema: JsonSchema;
  readonly isOptional: boolean;
}

const NAMED: Readonly<Record<string, JsonSchema>> = {
  string: { type: 'string' }, String: { type: 'string' },
  number: { type: 'number' }, Number: { type: 'number' },
  integer: { type: 'integer' }, int: { type: 'integer' },
  boolean: { type: 'boolean' }, Boolean: { type: 'boolean' },
  object: { type: 'object' }, Object: { type: 'object' },
}; // prettier-ignore
const SUPPORTED =
  'string, number, boolean, arrays, object types, Record<string, T>, enums and unions of literals';

/**
 * Reads types of parameters as JSON schemas, by their syntax: interfaces, aliases and enums count if the same file declares
 * them. Throws a SourceProblem for a type that has no counterpart.
 */
export function createTypeReader(file: ts.SourceFile): (node: ts.TypeNode) => ReadType {
  const declared = declaredTypes(file);
  const read = (node: ts.TypeNode, within: readonly string[]): ReadType =>
    readNode(node, { declared, read, within });
  return (node) => read(node, []);
}

type Declared = ts.InterfaceDeclaration | ts.TypeAliasDeclaration | ts.EnumDeclaration;
interface Scope {
  readonly declared: ReadonlyMap<string, Declared>;
  /** Names of the declarations that are being read: a type that contains itself has no schema without references. */
  readonly within: readonly string[];
  readonly read: (node: ts.TypeNode, within: readonly string[]) => ReadType;
}

function declaredTypes(file: ts.SourceFile): ReadonlyMap<string, Declared> {
  const ts = compiler();
  const isDeclared = (node: ts.Statement): node is Declared =>
    ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isEnumDeclaration(node);
  return new Map(file.statements.filter(isDeclared).map((node) => [node.name.text, node]));
}

const plain = (schema: JsonSchema): ReadType => ({ schema, isOptional: false });
const unsupported = (node: ts.Node): SourceProblem =>
  new SourceProblem(`type '${node.getText()}' is not supported (use ${SUPPORTED})`);

function readNode(node: ts.TypeNode, scope: Scope): ReadType {
  const ts = compiler();
  const inner = (of: ts.TypeNode) => scope.read(of, scope.within);
  if (ts.isParenthesizedTypeNode(node)) return inner(node.type);
  if (ts.isTypeOperatorNode(node) && node.operator === ts.SyntaxKind.ReadonlyKeyword) return inner(node.type);
  if (ts.isArrayTypeNode(node)) return plain({ type: 'array', items: inner(node.elementType).schema });
  if (ts.isLiteralTypeNode(node)) return readLiteral(node);
  if (ts.isUnionTypeNode(node)) return readUnion(node, node.types.map(inner));
  if (ts.isIntersectionTypeNode(node)) return plain(mergeObjects(node, node.types.map(inner)));
  if (ts.isTypeLiteralNode(node)) return plain(readMembers(node.members, scope));
  if (ts.isTypeReferenceNode(node)) return readReference(node, scope);
  if (ts.isJSDocNullableType(node) || ts.isJSDocOptionalType(node))
    return { ...inner(node.type), isOptional: true };
  if (ts.isJSDocNonNullableType(node)) return inner(node.type);
  if (node.kind === ts.SyntaxKind.UndefinedKeyword) return { schema: {}, isOptional: true };
  const named = Object.hasOwn(NAMED, node.getText()) ? NAMED[node.getText()] : undefined;
  if (named) return plain(named);
  throw unsupported(node);
}

function readLiteral(node: ts.LiteralTypeNode): ReadType {
  const ts = compiler();
  const { literal } = node;
  if (literal.kind === ts.SyntaxKind.NullKeyword) return { schema: {}, isOptional: true };
  if (literal.kind === ts.SyntaxKind.TrueKeyword || literal.kind === ts.SyntaxKind.FalseKeyword)
    return plain({ type: 'boolean' });
  const value = constantOf(literal);
  if (value === undefined) throw unsupported(node);
  return plain(enumOf([value]));
}

function enumOf(values: readonly (string | number)[]): JsonSchema {
  const isText = values.every((value) => typeof value === 'string');
  return { type: isText ? 'string' : values.every(Number.isInteger) ? 'integer' : 'number', enum: values };
}

function constantOf(node: ts.Node): string | number | undefined {
  const ts = compiler();
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
    const value = constantOf(node.operand);
    return typeof value === 'number' ? -value : undefined;
  }
  return undefined;
}

function readUnion(node: ts.UnionTypeNode, alternatives: readonly ReadType[]): ReadType {
  const isOptional = alternatives.some((each) => each.isOptional);
  const schemas = alternatives.map(({ schema }) => schema).filter((schema) => Object.keys(schema).length > 0);
  const distinct = new Map(schemas.map((schema) => [JSON.stringify(schema), schema]));
  const [only, ...others] = distinct.values();
  if (only && others.length === 0) return { schema: only, isOptional };
  const values = [...distinct.values()].map((schema) => schema['enum']);
  const kinds = new Set(
    [...distinct.values()].map((schema) => (schema['type'] === 'string' ? 'text' : 'number')),
  );
  if (kinds.size !== 1 || !values.every(Array.isArray)) throw unsupported(node);
  return { schema: enumOf([...new Set(values.flat() as (string | number)[])]), isOptional };
}

function readReference(node: ts.TypeReferenceNode, scope: Scope): ReadType {
  const name = node.typeName.getText();
  const declaration = scope.declared.get(name);
  const [first, second] = node.typeArguments ?? [];
  if (declaration) return readDeclared(node, declaration, scope);
  if ((name === 'Array' || name === 'ReadonlyArray') && first)
    return plain({ type: 'array', items: scope.read(first, scope.within).schema });
  if (name === 'Record' && first?.getText() === 'string' && second) return plain(dictionaryOf(second, scope));
  const named = Object.hasOwn(NAMED, name) && !first ? NAMED[name] : undefined;
  if (named) return plain(named);
  throw unsupported(node);
}

/** Values that may be anything leave the dictionary open. */
function dictionaryOf(values: ts.TypeNode, scope: Scope): JsonSchema {
  if (/^(unknown|any)$/.test(values.getText())) return { type: 'object' };
  return { type: 'object', additionalProperties: scope.read(values, scope.within).schema };
}

function readDeclared(node: ts.TypeReferenceNode, declaration: Declared, scope: Scope): ReadType {
  const ts = compiler();
  const name = declaration.name.text;
  if (scope.within.includes(name))
    throw new SourceProblem(`type '${name}' contains itself, which is not supported`);
  const inside = { ...scope, within: [...scope.within, name] };
  if (ts.isEnumDeclaration(declaration)) return plain(readEnum(declaration));
  if (declaration.typeParameters) throw unsupported(node);
  if (ts.isTypeAliasDeclaration(declaration)) {
    // `type integer = number` says what JSON schema can and TypeScript cannot.
    if (name === 'integer' || name === 'int') return plain({ type: 'integer' });
    return scope.read(declaration.type, inside.within);
  }
  const parents = (declaration.heritageClauses ?? []).flatMap((clause) => clause.types).map((parent) => {
    const found = scope.declared.get(parent.expression.getText());
    if (!found || ts.isEnumDeclaration(found)) throw unsupported(parent);
    return readDeclared(node, found, inside);
  }); // prettier-ignore
  const own = plain(readMembers(declaration.members, inside));
  return plain(mergeObjects(node, [...parents, own]));
}

function readEnum(declaration: ts.EnumDeclaration): JsonSchema {
  let next = 0;
  const values = declaration.members.map((member) => {
    const value = member.initializer ? constantOf(member.initializer) : next;
    if (value === undefined) throw unsupported(member);
    if (typeof value === 'number') next = value + 1;
    return value;
  });
  if (new Set(values.map((value) => typeof value)).size !== 1) throw unsupported(declaration.name);
  return enumOf(values);
}

function readMembers(members: ts.NodeArray<ts.TypeElement>, scope: Scope): JsonSchema {
  const ts = compiler();
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  let open: JsonSchema | undefined;
  for (const member of members) {
    if (ts.isIndexSignatureDeclaration(member)) {
      open = dictionaryOf(member.type, scope);
      continue;
    }
    if (!ts.isPropertySignature(member) || !member.type) throw unsupported(member);
    const name = propertyName(member.name);
    const { schema, isOptional } = scope.read(member.type, scope.within);
    const description = commentOf(member);
    properties[name] = description ? { ...schema, description } : schema;
    if (!isOptional && !member.questionToken) required.push(name);
  }
  return open && Object.keys(properties).length === 0
    ? open
    : { type: 'object', properties, ...(required.length > 0 && { required }) };
}

function propertyName(name: ts.PropertyName): string {
  const ts = compiler();
  if (ts.isIdentifier(name) || ts.isStringLiteral(name) || ts.isNumericLiteral(name)) return name.text;
  throw unsupported(name);
}

/** The text of the documentation comment right before a member of an object type. */
export function commentOf(node: ts.TypeElement): string {
  const ts = compiler();
  const comment = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1)?.comment;
  return (ts.getTextOfJSDocComment(comment) ?? inlineComment(node)).trim();
}

/** The parser attaches no comment that follows something else on its line, as in `{ a: string; /** The b. *\/ b: string }`. */
function inlineComment(node: ts.Node): string {
  const { text } = node.getSourceFile();
  const range = compiler().getTrailingCommentRanges(text, node.pos)?.at(-1);
  const comment = range ? text.slice(range.pos, range.end) : '';
  return comment.startsWith('/**') ? comment.slice(3, -2).replace(/^\s*\*/gm, '') : '';
}

function mergeObjects(node: ts.Node, parts: readonly ReadType[]): JsonSchema {
  const properties: Record<string, unknown> = {};
  const required = new Set<unknown>();
  for (const { schema } of parts) {
    if (schema['type'] !== 'object' || typeof schema['properties'] !== 'object') throw unsupported(node);
    Object.assign(properties, schema['properties']);
    for (const name of (schema['required'] ?? []) as unknown[]) required.add(name);
  }
  return { type: 'object', properties, ...(required.size > 0 && { required: [...required] }) };
}
