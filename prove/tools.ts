import path from 'node:path';
import type { ToolModule } from '../tools/handler';

/** Names of the kit's own tools, one per class but `transactional`, which is a memory edit. */
export const KIT_TOOLS = {
  read: 'prove_look',
  idempotent: 'prove_put',
  once: 'prove_charge',
  approved: 'prove_confirm',
} as const;

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

/** The tools that a module of a user exports as `tools`. */
export function loadUserTools(file: string): readonly ToolModule[] {
  const module_ = require(path.resolve(file)) as { readonly tools?: unknown }; // eslint-disable-line @typescript-eslint/no-require-imports
  const { tools } = module_;
  if (!Array.isArray(tools) || !tools.every(isToolModule)) {
    throw new Error(
      `${file} must export "tools": a list of { name, description, parameters, effects, run }.`,
    );
  }
  return tools;
}

/** A user's tools, whose calls are told to the counting target once they have acted. */
export function countedTools(tools: readonly ToolModule[], targetUrl: string): readonly ToolModule[] {
  return tools.map((tool) => ({
    ...tool,
    async run(args, context) {
      const result = await tool.run(args, context);
      const { idempotencyKey, signal } = context;
      await report(targetUrl, { tool: tool.name, label: idempotencyKey, key: idempotencyKey }, signal);
      return result;
    },
  }));
}

function isToolModule(value: unknown): value is ToolModule {
  if (typeof value !== 'object' || value === null) return false;
  const tool = value as Partial<ToolModule>; // checked field by field
  return (
    typeof tool.name === 'string' &&
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
