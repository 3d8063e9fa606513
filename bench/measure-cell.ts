import { turnLimit, type Cell } from './cells';
import { applyLoad, quantile, type Load } from './load';
import { usageOfServices, type ServiceName, type Usages } from './processes';
import type { BenchStack } from './stack';
import { agentFor, createAgents, messageFor, takeTurn } from './turns';

export interface Figures {
  readonly turns: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  readonly perSecond: number;
  readonly errors: readonly string[];
}
export interface CellResult {
  readonly cell: Cell;
  readonly turn: Figures;
  readonly floor: Figures;
  readonly cpuMsPerTurn: Readonly<Record<ServiceName, number>>;
  readonly rssMb: Readonly<Record<ServiceName, number>>;
}

/** Measures one cell: its turns, then as many empty workflows. Agents are made before the clock starts. */
export async function measureCell(stack: BenchStack, cell: Cell): Promise<CellResult> {
  const agents = await createAgents(stack.api, cell.callers, turnLimit(cell));
  const input = messageFor(cell);
  const before = usageOfServices(stack.pids);
  const load = await applyLoad(cell, (caller, turn) =>
    takeTurn(stack.api, agentFor(agents, caller, turn), input),
  );
  const after = usageOfServices(stack.pids);
  const floor = await stack.measureFloor(cell);
  return {
    cell,
    turn: figuresOf(load),
    floor: figuresOf(floor),
    cpuMsPerTurn: eachService((name) => (after[name].cpuMs - before[name].cpuMs) / load.latencies.length),
    rssMb: memoryOf(after),
  };
}

export const memoryOf = (usages: Usages): Readonly<Record<ServiceName, number>> =>
  eachService((name) => usages[name].rssMb);

function figuresOf({ latencies, errors, seconds }: Load): Figures {
  return {
    turns: latencies.length,
    p50Ms: quantile(latencies, 0.5),
    p95Ms: quantile(latencies, 0.95),
    maxMs: quantile(latencies, 1),
    perSecond: latencies.length / seconds,
    errors,
  };
}

const eachService = (value: (name: ServiceName) => number): Readonly<Record<ServiceName, number>> => ({
  server: value('server'),
  temporal: value('temporal'),
  postgres: value('postgres'),
});
