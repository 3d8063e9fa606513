import type { ToolSpec } from '../../domain/model';
import { isRecord } from '../is-record';

/** Arguments that satisfy a tool's required parameters, for a call that nobody filled in. `text` fills the strings. */
export function sampleArguments({ parameters }: ToolSpec, text: string): Readonly<Record<string, unknown>> {
  const properties = isRecord(parameters['properties']) ? parameters['properties'] : {};
  const required: unknown[] = Array.isArray(parameters['required']) ? parameters['required'] : [];
  const names = Object.keys(properties).filter((name) => required.includes(name));
  return Object.fromEntries(names.map((name) => [name, sampleValue(properties[name], text)]));
}

function sampleValue(schema: unknown, text: string): unknown {
  if (!isRecord(schema)) return text;
  if (schema['default'] !== undefined) return schema['default'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  switch (schema['type']) {
    case 'integer':
    case 'number':
      return schema['minimum'] ?? 1;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'object':
      return {};
    default:
      return text;
  }
}
