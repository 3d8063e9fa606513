/** The run of a request: fresh, or the one that an earlier sending of the same request made. */
export interface SentTurn {
  readonly id: string;
  readonly background: boolean;
  readonly createdAt: Date;
  readonly isFresh: boolean;
  /** Makes sure that a workflow takes the run. A fresh run is taken back if that fails. */
  start(): Promise<void>;
}
