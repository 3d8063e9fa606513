import { setTimeout as sleep } from 'node:timers/promises';

/** Waits; 0 returns at once. */
export async function wait(ms: number): Promise<void> {
  if (ms > 0) await sleep(ms);
}

export interface FloorActivities {
  wait(ms: number): Promise<void>;
}
