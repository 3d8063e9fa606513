/** What a turn does: answer at once, or use one tool, then another, then answer. */
export type Shape = 'one-step' | 'two-tools';

/** One measurement: a kind of turn, a model that takes so long, so many callers at once. */
export interface Cell {
  readonly shape: Shape;
  readonly modelMs: number;
  readonly callers: number;
}

const SHAPES: readonly Shape[] = ['one-step', 'two-tools'];
const MODEL_MS = [0, 200];
const CALLERS = [1, 8, 32, 64, 256];

export const ALL_CELLS: readonly Cell[] = SHAPES.flatMap((shape) =>
  MODEL_MS.flatMap((modelMs) => CALLERS.map((callers) => ({ shape, modelMs, callers }))),
);

export const QUICK_CELLS: readonly Cell[] = [
  { shape: 'one-step', modelMs: 0, callers: 1 },
  { shape: 'one-step', modelMs: 0, callers: 8 },
  { shape: 'one-step', modelMs: 0, callers: 64 },
  { shape: 'two-tools', modelMs: 0, callers: 8 },
];

export const nameOf = ({ shape, modelMs, callers }: Cell): string => `${shape}/${modelMs}/${callers}`;

/** Reads `one-step/0/8`. */
export function parseCell(name: string): Cell {
  const match = /^(one-step|two-tools)\/(\d+)\/([1-9]\d*)$/.exec(name);
  if (!match) throw new Error(`"${name}" is no cell; write <one-step|two-tools>/<model ms>/<callers>`);
  return { shape: match[1] as Shape, modelMs: Number(match[2]), callers: Number(match[3]) };
}

/** The model's waits and the tools between them, in order: as many activities as the turn has. */
export function activitiesOf({ shape, modelMs }: Cell): readonly number[] {
  return shape === 'one-step' ? [modelMs] : [modelMs, 0, modelMs, 0, modelMs];
}

/** Enough turns to tell, few enough to end: more per caller when there are few callers. */
export const turnLimit = ({ callers }: Cell): number => Math.max(200, Math.min(callers * 40, 1024));
/** No turn begins after this. */
export const TIME_LIMIT_MS = 8_000;
