/** An agent and the sleeper that is woken now and then to rework the memory they share. */
export interface Group {
  readonly id: string;
  readonly managerAgentId: string;
  readonly sleeperAgentId: string;
  /** How many turns of the manager lie between two wakings. */
  readonly frequency: number;
  readonly turnsCounter: number;
  readonly lastProcessedMessageId: string | null;
  /** How long a review of the sleeper's edits may keep it from its next look; null: nobody reviews them. */
  readonly reviewSeconds: number | null;
}
export const DEFAULT_SLEEPTIME_FREQUENCY = 5;
