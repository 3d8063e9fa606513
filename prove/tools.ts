import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ToolModule } from '../tools/handler';

/** Names of the kit's own tools, one per class but `transactional`, which is a memory edit. */
export const KIT_TOOLS = {
  read: 'prove_look',
  idempotent: 'prove_put',
  once: 'prove_charge',
  approved: 'prove_confirm',
} as const;
export const isKitTool = (name: string): boolean => Object.values<string>(KIT_TOOLS).includes(name);

/** A tool of a user, with the arguments that the fake model calls it with. */
export interface UserTool extends ToolModule {
  readonly example?: Readonly<Record<string, unknown>>;
}

/** Tools that do nothing but tell the counting target of their calls. */
export function countingTools(targetUrl: string): readonly ToolModule[] {
  const tool = (name: string, effects: ToolModule['effects']): ToolModule => ({
    name,
    description: `Tells the counting target of its call (${effects}).`,
    parameters: { type: 'object', properties: { label: { type: 'string' } }, required: ['label'] },
    effects,
    enableParallelExecution: false,
    async run(args, { idempotencyKey, signal }) {
      await report(targetUrl, { tool: name, label: String(args['label']), key: idempotencyKey }, signal);
      return `counted ${String(args['label'])}`;
    },
  });
  return [
    tool(KIT_TOOLS.read, 'read'),
    tool(KIT_TOOLS.idempotent, 'idempotent'),
    tool(KIT_TOOLS.once, 'once'),
    tool(KIT_TOOLS.approved, 'once'),
  ];
}

/** The tools that a module of a user, CommonJS or ES, exports as `tools`. */
export async function loadUserTools(file: string): Promise<readonly UserTool[]> {
  const loaded = (await import(pathToFileURL(path.resolve(file)).href)) as Loaded; // any module fits it
  const tools = loaded.tools ?? loaded.default?.tools;
  if (!Array.isArray(tools) || tools.length === 0 || !tools.every(isToolModule)) {
    throw new Error(
      `${file} must export "tools": a list of { name, description, parameters, effects, run }, ` +
        'where effects is "read", "idempotent" or "once".',
    );
  }
  return tools.map((tool) => ({ ...tool, enableParallelExecution: tool.enableParallelExecution ?? false }));
}
interface Loaded {
  readonly tools?: unknown;
  readonly default?: { readonly tools?: unknown };
}

/**
 * A user's tools, whose calls are counted: as they begin, so that a second start is seen even if the first one was cut off;
 * a tool with a probe once it has acted, because its probe may allow a second start.
 */
export function countedTools(tools: readonly ToolModule[], targetUrl: string): readonly ToolModule[] {
  return tools.map((tool) => ({
    ...tool,
    async run(args, context) {
      const { idempotencyKey, signal } = context;
      const count = () =>
        report(targetUrl, { tool: tool.name, label: idempotencyKey, key: idempotencyKey }, signal);
      if (!tool.probe) await count();
      const result = await tool.run(args, context);
      if (tool.probe) await count();
      return result;
    },
  }));
}

/** What the fake model calls a user's tool with: its example, or the least that its schema asks for. */
export const exampleOf = ({ example, parameters }: UserTool): Readonly<Record<string, unknown>> =>
  example ?? leastObject(parameters);

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

const leastObject = ({ properties = {}, required = [] }: Schema): Readonly<Record<string, unknown>> =>
  Object.fromEntries(required.map((name) => [name, leastOf(properties[name] ?? {})]));

function leastOf(schema: Schema): unknown {
  if (schema.enum) return schema.enum[0];
  if (schema.type === 'number' || schema.type === 'integer') return 1;
  if (schema.type === 'boolean') return false;
  if (schema.type === 'array') return [];
  return schema.type === 'object' ? leastObject(schema) : 'prove';
}

type GivenTool = Omit<UserTool, 'enableParallelExecution'> & { readonly enableParallelExecution?: boolean };

function isToolModule(value: unknown): value is GivenTool {
  if (typeof value !== 'object' || value === null) return false;
  const tool = value as Partial<ToolModule>; // checked field by field
  return (
    typeof tool.name === 'string' &&
    typeof tool.description === 'string' &&
    typeof tool.parameters === 'object' &&
    typeof tool.run === 'function' &&
    ['read', 'idempotent', 'once'].includes(String(tool.effects))
  );
}

async function report(targetUrl: string, effect: object, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${targetUrl}/effect`, {
    method: 'POST',
    body: JSON.stringify(effect),
    signal,
  });
  await response.text();
}
