import type { ProbeAnswer, ToolModule } from '../../tools/handler';

/** Tools that do nothing but tell a counting target (counting-target.ts) of their calls, one per class of effects. */
export function createCountingTools(targetUrl: string): readonly ToolModule[] {
  const tool = (name: string, effects: ToolModule['effects']): ToolModule => ({
    name,
    description: `Counts (${effects}).`,
    parameters: { type: 'object', properties: { label: { type: 'string' } }, required: ['label'] },
    effects,
    enableParallelExecution: false,
    async run(args, { idempotencyKey, signal }) {
      const response = await fetch(`${targetUrl}/${name}/${String(args['label'])}`, {
        method: 'POST',
        headers: { 'idempotency-key': idempotencyKey },
        signal,
      });
      return response.text();
    },
  });
  return [
    tool('look', 'read'),
    tool('put', 'idempotent'),
    tool('charge', 'once'),
    {
      ...tool('charge_probed', 'once'),
      async probe(_args, { idempotencyKey, signal }) {
        const response = await fetch(`${targetUrl}/probe`, {
          headers: { 'idempotency-key': idempotencyKey },
          signal,
        });
        return (await response.json()) as ProbeAnswer; // what the target sends
      },
    },
  ];
}
