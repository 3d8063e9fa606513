import type ts from 'typescript';
import { compiler } from './compiler';
import type { FunctionNode } from './parse-source';
import { SourceProblem } from './source-problem';
import { commentOf } from './type-schema';

/** One argument that the model fills in. */
export interface Parameter {
  readonly name: string;
  /** From the signature, else from JSDoc. */
  readonly type: ts.TypeNode | undefined;
  /** JSDoc says `{integer}` where the signature can only say number. */
  readonly isInteger: boolean;
  readonly isOptional: boolean;
  readonly description: string;
}

/** How a function takes its arguments: one by one, or as the properties of one object that it takes apart. */
export interface Signature {
  readonly style: 'positional' | 'object';
  readonly parameters: readonly Parameter[];
}

/** The parameters of a function in their order. Throws a SourceProblem for one that can't be filled by name. */
export function readSignature(node: FunctionNode, file: ts.SourceFile): Signature {
  const ts = compiler();
  const declared = node.parameters.filter((each) => each.name.getText() !== 'this');
  const pattern = declared.find((each) => !ts.isIdentifier(each.name));
  if (!pattern) return { style: 'positional', parameters: declared.map(readParameter) };
  if (declared.length === 1 && ts.isObjectBindingPattern(pattern.name))
    return { style: 'object', parameters: readProperties(pattern, pattern.name, file) };
  throw new SourceProblem(
    `Parameter '${pattern.name.getText()}' has no name of its own. Only a single parameter may be taken apart, with {...}`,
  );
}

function readParameter(node: ts.ParameterDeclaration): Parameter {
  const name = node.name.getText();
  if (node.dotDotDotToken)
    throw new SourceProblem(`Parameter '...${name}' takes any number of values. Make it one array instead`);
  const tag = compiler().getJSDocParameterTags(node).at(-1);
  return {
    name,
    type: node.type ?? tag?.typeExpression?.type,
    isInteger: isInteger(tag),
    isOptional: Boolean(node.questionToken ?? node.initializer) || (tag?.isBracketed ?? false),
    description: textOf(tag),
  };
}

/** The properties of the one object: from its type, or from `@param {type} args.name - description`. */
function readProperties(
  node: ts.ParameterDeclaration,
  pattern: ts.ObjectBindingPattern,
  file: ts.SourceFile,
): readonly Parameter[] {
  const tags = propertyTags(node);
  const members = node.type ? membersOf(node.type, file) : [];
  return pattern.elements.map((element) => {
    if (element.dotDotDotToken)
      throw new SourceProblem(
        `'...${element.name.getText()}' takes any property. Name the properties one by one`,
      );
    const name = (element.propertyName ?? element.name).getText();
    const member = members.find((each) => each.name.getText() === name);
    const tag = tags.find((each) => each.name.getText().split('.').at(-1) === name);
    return {
      name,
      type: member?.type ?? tag?.typeExpression?.type,
      isInteger: isInteger(tag),
      isOptional: Boolean(element.initializer ?? member?.questionToken) || (tag?.isBracketed ?? false),
      description: textOf(tag) || (member ? commentOf(member) : ''),
    };
  });
}

type ParameterTag = Pick<ts.JSDocPropertyLikeTag, 'name' | 'typeExpression' | 'isBracketed' | 'comment'>;

function propertyTags(node: ts.ParameterDeclaration): readonly ParameterTag[] {
  const ts = compiler();
  const type = ts.getJSDocParameterTags(node).at(-1)?.typeExpression?.type;
  const nested = type && ts.isJSDocTypeLiteral(type) ? (type.jsDocPropertyTags ?? []) : [];
  // Without a tag for the object itself, its properties stand alone.
  const alone = ts.getJSDocTags(node.parent).filter(ts.isJSDocParameterTag);
  return [...nested, ...alone.filter(({ name }) => ts.isQualifiedName(name))];
}

function membersOf(type: ts.TypeNode, file: ts.SourceFile): readonly ts.PropertySignature[] {
  const ts = compiler();
  if (ts.isTypeLiteralNode(type)) return type.members.filter(ts.isPropertySignature);
  if (!ts.isTypeReferenceNode(type)) return [];
  const name = type.typeName.getText();
  const declaration = file.statements.find(
    (each) => (ts.isInterfaceDeclaration(each) || ts.isTypeAliasDeclaration(each)) && each.name.text === name,
  );
  if (!declaration) return [];
  if (ts.isInterfaceDeclaration(declaration)) return declaration.members.filter(ts.isPropertySignature);
  return ts.isTypeAliasDeclaration(declaration) ? membersOf(declaration.type, file) : [];
}

const isInteger = (tag: ParameterTag | undefined): boolean =>
  /^(integer|int)$/.test(tag?.typeExpression?.type.getText() ?? '');

const textOf = (tag: ParameterTag | undefined): string =>
  (compiler().getTextOfJSDocComment(tag?.comment) ?? '').trim().replace(/^-\s*/, '');
