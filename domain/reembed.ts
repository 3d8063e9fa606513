/** Name of the workflow that gives an archive's passages new vectors. It is stored in histories: it never changes. */
export const REEMBED_WORKFLOW = 'reembedArchive';

/** One change of an archive's embedding model. */
export interface ReembedInput {
  readonly reembedId: string;
}

/** One change, one workflow: the id keeps a second one from starting. */
export const reembedWorkflowId = (reembedId: string): string => `reembed/${reembedId}`;

/** What is left after a batch. */
export interface ReembedProgress {
  readonly isDone: boolean;
}

/** The durable state of such a change. */
export interface ReembedStore {
  /** Gives the next passages their vectors; a batch that was stored is not computed again. */
  embedNext(reembedId: string, signal: AbortSignal): Promise<ReembedProgress>;
}
