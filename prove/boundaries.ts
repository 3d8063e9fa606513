import type { ToolEffects } from '../domain/tool';

/** What can be killed. `server` is API and worker in one process. */
export const KILL_KINDS = ['worker', 'server', 'api', 'temporal', 'postgres'] as const;
export type KillKind = (typeof KILL_KINDS)[number];

export type BoundaryName =
  | 'model-before-claim'
  | 'model-claimed'
  | 'model-mid-stream'
  | 'model-reply-received'
  | 'model-reply-stored'
  | 'tool-before-claim'
  | 'tool-claimed'
  | 'tool-effect-done'
  | 'tool-result-stored'
  | 'tool-before-verdict'
  | 'tool-verdict-stored'
  | 'approval-before-answer'
  | 'approval-answered'
  | 'turn-before-close'
  | 'turn-closed'
  | 'next-turn-before-step'
  | 'api-run-minted'
  | 'api-run-started'
  | 'client-mid-stream'
  | 'random';

/** A place where a process may die; tool boundaries are tried once for each class of effects. */
export interface Boundary {
  readonly name: BoundaryName;
  readonly effects: ToolEffects | null;
  /** Where the lane's process is killed first, because only then anything comes to this boundary. */
  readonly after?: Boundary;
}

export const CLASSES: readonly ToolEffects[] = ['read', 'idempotent', 'transactional', 'once'];
const PLAIN: readonly BoundaryName[] = [
  'model-before-claim',
  'model-claimed',
  'model-mid-stream',
  'model-reply-received',
  'model-reply-stored',
  'approval-before-answer',
  'approval-answered',
  'turn-before-close',
  'turn-closed',
  'next-turn-before-step',
  'api-run-minted',
  'api-run-started',
  'client-mid-stream',
  'random',
];
const OF_TOOLS: readonly BoundaryName[] = [
  'tool-before-claim',
  'tool-claimed',
  'tool-effect-done',
  'tool-result-stored',
];

// A verdict on a call is due when its process was lost between the call's effect and its result.
const OF_VERDICTS: readonly BoundaryName[] = ['tool-before-verdict', 'tool-verdict-stored'];
const LOST_CALL: Boundary = { name: 'tool-effect-done', effects: 'once' };

/** Every durable boundary of a turn. A further one is one more line, and one call in failpoints.ts. */
export const BOUNDARIES: readonly Boundary[] = [
  ...PLAIN.map((name) => ({ name, effects: null })),
  ...OF_VERDICTS.map((name) => ({ name, effects: null, after: LOST_CALL })),
  ...OF_TOOLS.flatMap((name) => CLASSES.map((effects) => ({ name, effects }))),
];

const OF_API: readonly BoundaryName[] = ['api-run-minted', 'api-run-started'];
const SEEN_BY_CLIENTS: readonly BoundaryName[] = ['client-mid-stream', 'model-mid-stream', 'turn-closed'];

/** What is worth killing at a boundary: an API process holds nothing while a worker is between two of its writes. */
export function killableAt({ name }: Boundary): readonly KillKind[] {
  const isOfApi = [...OF_API, ...SEEN_BY_CLIENTS, 'random'].includes(name);
  return KILL_KINDS.filter((kind) => kind !== 'api' || isOfApi);
}

/** How a boundary is named in a report. */
export const titleOf = ({ name, effects }: Boundary): string =>
  effects === null ? name : `${name} (${effects})`;

/** A boundary that a process has come to, and the call or step it is at. */
export interface Hit {
  readonly boundary: BoundaryName;
  readonly runId: string;
  readonly step: number;
  /** The class of the tool, at the boundaries of tools. */
  readonly effects: ToolEffects | null;
  /** The ledger's key of the call, where it is known. */
  readonly key: string | null;
}
