import type { ToolJsonSchema } from './tool';

type Schema = Readonly<Record<string, unknown>>;

/**
 * What is wrong with the arguments that rules fix for a call, in the words of the original: a mistake of whoever wrote the
 * rules, so the tool is not run with them. Null if nothing is.
 */
export function prefilledProblem(
  { name, parameters }: Pick<ToolJsonSchema, 'name' | 'parameters'>,
  fixed: Readonly<Record<string, unknown>>,
): string | null {
  const properties = recordOf(recordOf(parameters)['properties']);
  const problems = Object.entries(fixed).flatMap(([key, value]): readonly string[] => {
    if (!Object.hasOwn(properties, key)) return [`Unknown argument '${key}' for tool '${name}'.`];
    if (fits(recordOf(properties[key]), value)) return [];
    const wanted = JSON.stringify(properties[key]);
    return [`Invalid value for '${key}': ${JSON.stringify(value)} does not match the schema ${wanted}.`];
  });
  if (problems.length === 0) return null;
  return `${PROBLEM}: ${problems.join('; ')}`;
}

const PROBLEM = 'Invalid prefilled tool arguments from tool rules';

/** Whether a call was refused because a rule fixes its arguments wrongly. */
export const isFixedWrongly = (result: string): boolean => result.startsWith(PROBLEM);

/** Whether a value is of the kind that a schema asks for; what lies inside of objects and lists is left to the tool. */
function fits(schema: Schema, value: unknown): boolean {
  const alternatives = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(alternatives)) return alternatives.some((each) => fits(recordOf(each), value));
  if ('const' in schema) return schema['const'] === value;
  if (Array.isArray(schema['enum'])) return schema['enum'].includes(value);
  const types = [schema['type'] ?? []].flat();
  return types.length === 0 || types.some((type) => isOfType(type, value));
}

function isOfType(type: unknown, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return type === typeof value || !['string', 'number', 'boolean'].includes(String(type));
}

const recordOf = (value: unknown): Schema =>
  typeof value === 'object' && value !== null ? (value as Schema) : {};
