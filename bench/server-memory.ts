import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { usageOfServices } from './processes';
import type { BenchStack } from './stack';

/** What a server holds once its garbage is collected, MB. */
export interface HeldMemory {
  readonly liveMb: number;
  readonly rssMb: number;
}

/** Memory of the server under repeated load: resident as it is after each round; before and after all of them what it holds. */
export interface MemoryRounds {
  readonly before: HeldMemory;
  readonly rssMb: readonly number[];
  readonly after: HeldMemory;
}

const COLLECT_MS = 30_000;

/** Applies a load again and again and looks at the memory of the server in between. */
export async function measureMemoryRounds(
  stack: BenchStack,
  rounds: number,
  load: (round: number) => Promise<void>,
): Promise<MemoryRounds> {
  const before = await heldMemory(stack);
  const rssMb: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    await load(round);
    rssMb.push(rssOf(stack));
  }
  return { before, rssMb, after: await heldMemory(stack) };
}

/** Makes the server collect its garbage. Fails when it does not answer within half a minute. */
async function heldMemory(stack: BenchStack): Promise<HeldMemory> {
  const file = stack.liveHeapFile;
  fs.rmSync(file, { force: true });
  process.kill(stack.pids.server, 'SIGUSR2');
  const deadline = performance.now() + COLLECT_MS;
  while (!fs.existsSync(file)) {
    if (performance.now() > deadline)
      throw new Error(`the server did not collect its garbage within ${COLLECT_MS} ms`);
    await sleep(20);
  }
  return { liveMb: Number(fs.readFileSync(file, 'utf8')) / 1024 / 1024, rssMb: rssOf(stack) };
}

const rssOf = ({ pids }: BenchStack): number => usageOfServices(pids).server.rssMb;

/** One line for the report. */
export const memoryText = ({ before, rssMb, after }: MemoryRounds): string =>
  `${rssMb.map((mb) => mb.toFixed(0)).join(', ')} MB; held, once garbage is collected: ` +
  `${before.liveMb.toFixed(0)} MB before (RSS ${before.rssMb.toFixed(0)}), ` +
  `${after.liveMb.toFixed(0)} MB after (RSS ${after.rssMb.toFixed(0)})`;
