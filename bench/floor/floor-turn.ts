import { proxyActivities } from '@temporalio/workflow';
import type { FloorActivities } from './activities';

const { wait } = proxyActivities<FloorActivities>({ startToCloseTimeout: '10m' });

/** A turn with nothing in it: as many activities as the real one, each of which only waits. */
export async function floorTurn(waitsMs: readonly number[]): Promise<void> {
  for (const ms of waitsMs) await wait(ms);
}
