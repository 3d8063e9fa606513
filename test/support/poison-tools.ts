import type { ToolModule } from '../../tools/handler';

export const HUGE_OUTPUT = 50 * 1024 * 1024;

/** Tools that do everything a tool must not do. None of them listens when it is told to stop. */
export function createPoisonTools(): readonly ToolModule[] {
  const tool = (name: string, effects: ToolModule['effects'], run: ToolModule['run']): ToolModule => ({
    name,
    description: `Misbehaves (${name}).`,
    parameters: { type: 'object', properties: { text: { type: 'string' } } },
    effects,
    enableParallelExecution: true,
    run,
  });
  const hang = () => new Promise<string>(() => undefined);
  const reject = (reason: unknown) => () => {
    throw reason;
  };
  return [
    tool('hang_once', 'once', hang),
    tool('hang_read', 'read', hang),
    tool('hang_idempotent', 'idempotent', hang),
    tool('flood', 'read', () => Promise.resolve('x'.repeat(HUGE_OUTPUT))),
    tool('flood_error', 'once', reject(new Error('e'.repeat(HUGE_OUTPUT)))),
    tool('fine', 'read', () => Promise.resolve('fine')),
    tool('throws_text', 'read', reject('a text, not an error')),
    tool('throws_nothing', 'idempotent', reject(undefined)),
    tool('throws_object', 'once', reject(Object.assign(Object.create(null), { reason: 'bare' }))),
    tool('throws_odd_error', 'once', reject(Object.assign(new Error('x'), { message: undefined, name: 7 }))),
    // What a tool in plain JavaScript may return.
    tool('returns_nothing', 'once', () => Promise.resolve(undefined as unknown as string)),
    tool('returns_object', 'once', () => Promise.resolve({ rows: 2 } as unknown as string)),
  ];
}
