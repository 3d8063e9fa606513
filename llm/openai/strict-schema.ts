import { isRecord } from '../is-record';

type Schema = Readonly<Record<string, unknown>>;

/**
 * The schema in the form OpenAI's strict mode demands: every object closed, every property required, optional ones
 * nullable. Null when the schema can't be told that way (free-form objects): such a tool stays non-strict.
 */
export function strictSchema(schema: Schema): Record<string, unknown> | null {
  const type = schema['type'];
  const properties = schema['properties'];
  if (isRecord(properties)) return closedObject(schema, properties);
  if (type === 'object') return schema['additionalProperties'] === false ? { ...schema, properties: {}, required: [] } : null; // prettier-ignore
  if (type === 'array') {
    const items = isRecord(schema['items']) ? strictSchema(schema['items']) : null;
    return items && { ...schema, items };
  }
  if (Array.isArray(schema['anyOf'])) {
    const options = schema['anyOf'].map((option) => (isRecord(option) ? strictSchema(option) : null));
    return options.includes(null) ? null : { ...schema, anyOf: options };
  }
  return type === undefined && schema['enum'] === undefined && schema['$ref'] === undefined
    ? null
    : { ...schema };
}

function closedObject(schema: Schema, properties: Schema): Record<string, unknown> | null {
  const required: unknown[] = Array.isArray(schema['required']) ? schema['required'] : [];
  const closed: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(properties)) {
    const strict = isRecord(property) ? strictSchema(property) : null;
    if (!strict) return null;
    closed[name] = required.includes(name) ? strict : nullable(strict);
  }
  return { ...schema, properties: closed, required: Object.keys(properties), additionalProperties: false };
}

function nullable(schema: Schema): Schema {
  const { type, ...rest } = schema;
  if (typeof type !== 'string' || schema['enum'] !== undefined) return { anyOf: [schema, { type: 'null' }] };
  return { type: [type, 'null'], ...rest };
}
