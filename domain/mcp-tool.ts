import { z } from 'zod';
import type { ToolEffects, ToolJsonSchema } from './tool';

/** A tool as a server declares it. */
export interface DeclaredMcpTool {
  /** As the server knows it. */
  readonly name: string;
  readonly description: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly effects: ToolEffects;
  /** The declaration, untouched. */
  readonly declared: Readonly<Record<string, unknown>>;
}

const jsonObject = z.record(z.string(), z.unknown());
const Declaration = z.looseObject({
  name: z.string().min(1).max(256),
  description: z.string().nullish(),
  inputSchema: z.looseObject({
    type: z.literal('object').default('object'),
    properties: jsonObject.default({}),
    required: z.array(z.string()).default([]),
  }),
  annotations: z
    .looseObject({ readOnlyHint: z.boolean().optional(), idempotentHint: z.boolean().optional() })
    .nullish(),
});

// What goes into every prompt of every agent that has the tool.
const MAX_DESCRIPTION = 10_000;
const MAX_SCHEMA = 100_000;

/** Reads one entry of a server's list of tools; null for one that no model could be offered. */
export function readMcpTool(entry: unknown): DeclaredMcpTool | null {
  const parsed = Declaration.safeParse(entry);
  if (!parsed.success) return null;
  const { name, description, inputSchema, annotations } = parsed.data;
  // Some providers refuse a schema that names its dialect.
  const { $schema: _, ...parameters } = inputSchema;
  if (JSON.stringify(parameters).length > MAX_SCHEMA) return null;
  return {
    name,
    description: (description ?? '').slice(0, MAX_DESCRIPTION),
    parameters,
    effects: effectsOf(annotations ?? {}),
    declared: entry as Readonly<Record<string, unknown>>, // parsed above
  };
}

/** What a tool may do, by the word of its server. Without one it is taken to act each time. */
function effectsOf(hints: {
  readonly readOnlyHint?: boolean | undefined;
  readonly idempotentHint?: boolean | undefined;
}): ToolEffects {
  if (hints.readOnlyHint === true) return 'read';
  return hints.idempotentHint === true ? 'idempotent' : 'once';
}

/** What a model is shown of a tool that is stored under `name`. */
export const mcpToolSchema = (name: string, tool: DeclaredMcpTool): ToolJsonSchema => ({
  name,
  description: tool.description,
  parameters: tool.parameters,
});

export const mcpTag = (serverName: string): string => `mcp:${serverName}`;

const MAX_NAME = 48;

/**
 * The names under which a server's tool may be stored, best first: its own, then with the server's in front where another
 * tool has it. Models accept letters, digits, underscores and hyphens only.
 */
export function mcpToolNames(serverName: string, toolName: string): readonly string[] {
  const plain = (text: string): string => text.replace(/[^A-Za-z0-9_-]+/g, '_');
  const own = plain(toolName).slice(0, MAX_NAME);
  const prefixed = `${plain(serverName).slice(0, 20)}_${plain(toolName)}`.slice(0, MAX_NAME);
  const numbered = Array.from({ length: 8 }, (_, n) => `${prefixed.slice(0, MAX_NAME - 2)}_${n + 2}`);
  return [own, prefixed, ...numbered];
}
