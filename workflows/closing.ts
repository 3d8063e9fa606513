import { proxySinks, type Sinks } from '@temporalio/workflow';

/** What workflows tell the process that runs them, beside Temporal and without an event in their history. */
export interface TurnSinks extends Sinks {
  readonly turns: { closing(): void };
}

const { turns } = proxySinks<TurnSinks>();

/** Says that the workflow closes with the task in hand. A hint: the process may die before Temporal hears of it. */
export const tellClosing = (): void => turns.closing();
