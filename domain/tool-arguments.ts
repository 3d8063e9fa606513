import { failedOutcome, toolError } from './tool-failure';
import type { Tool, ToolOutcome } from './tool';

/** What of a tool its arguments depend on. */
type CalledTool = Pick<Tool, 'name' | 'toolType' | 'jsonSchema'>;

export type ToolArguments = Readonly<Record<string, unknown>>;
export type ParsedToolArguments = { readonly args: ToolArguments } | { readonly error: ToolOutcome };

/**
 * Reads the argument string of a tool call as the model wrote it. A string that the tool cannot be called with is an
 * outcome the model reads, never an exception. Nothing at all means no arguments.
 */
export function parseToolArguments(raw: string, tool: CalledTool): ParsedToolArguments {
  try {
    return { args: checkToolArguments(tool, parseObject(raw)) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { error: failedOutcome(tool.name, error) };
  }
}

/**
 * The arguments a built-in tool is called with: null counts as absent, numbers and booleans may arrive as text. Throws a
 * tool error for a missing, unknown or mistyped argument. Tools of users check their own arguments.
 */
export function checkToolArguments(tool: CalledTool, args: ToolArguments): ToolArguments {
  if (!isBuiltin(tool)) return args;
  const properties = objectAt(tool.jsonSchema.parameters, 'properties');
  const given = Object.entries(args).filter(([, value]) => value !== null && value !== undefined);
  rejectUnknown(tool, properties, given);
  rejectMissing(tool, given);
  return Object.fromEntries(
    given.map(([name, value]) => [name, checkValue(`argument '${name}'`, objectAt(properties, name), value)]),
  );
}

/** Whether the tool belongs to the server: Letta's tool types for those start with `letta_`. */
export const isBuiltin = (tool: Pick<Tool, 'toolType'>): boolean => tool.toolType.startsWith('letta_');

function parseObject(raw: string): ToolArguments {
  if (raw.trim() === '') return {};
  let value = parseJson(raw);
  // Some models encode the object twice.
  if (typeof value === 'string') value = parseJson(value);
  if (isRecord(value)) return value;
  throw toolError(
    'TypeError',
    `The arguments must be one JSON object with the parameters by name, not ${describe(value)}. Repeat the call.`,
  );
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw toolError(
      'JSONDecodeError',
      `The arguments are not valid JSON (${reason}). Repeat the call with one JSON object.`,
      { cause },
    );
  }
}

type Entries = readonly (readonly [string, unknown])[];

function rejectUnknown(tool: CalledTool, properties: ToolArguments, given: Entries): void {
  const unknown = given.find(([name]) => !Object.hasOwn(properties, name));
  if (!unknown) return;
  const accepted = Object.keys(properties).join(', ') || 'none';
  throw toolError(
    'TypeError',
    `${callee(tool)} got an unexpected keyword argument '${unknown[0]}' (parameters: ${accepted})`,
  );
}

function rejectMissing(tool: CalledTool, given: Entries): void {
  const required = tool.jsonSchema.parameters['required'];
  const missing = (Array.isArray(required) ? required : [])
    .map(String)
    .filter((name) => !given.some(([present]) => present === name))
    .map((name) => `'${name}'`);
  if (missing.length === 0) return;
  const noun = missing.length === 1 ? 'argument' : 'arguments';
  throw toolError(
    'TypeError',
    `${callee(tool)} missing ${missing.length} required positional ${noun}: ${enumerate(missing)}`,
  );
}

// Letta's words for a missing argument are those of Python, with the class that holds its tools.
function callee(tool: CalledTool): string {
  const holder = tool.toolType === 'letta_builtin' ? 'LettaBuiltinToolExecutor' : 'LettaCoreToolExecutor';
  return `${holder}.${tool.name}()`;
}

function enumerate(items: readonly string[]): string {
  if (items.length < 3) return items.join(' and ');
  return `${items.slice(0, -1).join(', ')}, and ${String(items.at(-1))}`;
}

function checkValue(place: string, schema: ToolArguments, value: unknown): unknown {
  const type = schema['type'];
  const read = typeof value === 'string' ? readText(type, value) : value;
  if (!hasType(type, read)) {
    throw toolError('TypeError', `${place} must be of type ${String(type)}, not ${describe(value)}`);
  }
  const choices = schema['enum'];
  if (Array.isArray(choices) && !choices.includes(read)) {
    throw toolError(
      'ValueError',
      `${place} must be one of ${choices.join(', ')}, not ${JSON.stringify(read)}`,
    );
  }
  if (!Array.isArray(read)) return read;
  const items = objectAt(schema, 'items');
  return read.map((item, index) => checkValue(`${place}[${index}]`, items, item));
}

function readText(type: unknown, text: string): unknown {
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(text.trim())) return Number(text);
  if (type === 'boolean' && /^(true|false)$/i.test(text.trim())) return text.trim().toLowerCase() === 'true';
  return text;
}

function hasType(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isSafeInteger(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isRecord(value);
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
    default:
      return true;
  }
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

const isRecord = (value: unknown): value is ToolArguments =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function objectAt(record: ToolArguments, key: string): ToolArguments {
  const value = Object.hasOwn(record, key) ? record[key] : undefined;
  return isRecord(value) ? value : {};
}
