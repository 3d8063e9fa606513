import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { ALL_CELLS, nameOf, parseCell, QUICK_CELLS, type Cell } from './cells';
import { contextsText, measureContexts } from './context/measure';
import { closeConnections } from './http';
import { measureCell, type CellResult } from './measure-cell';
import { measureSingles } from './singles';
import { cellLine, CELL_HEAD, singlesText } from './report';
import { startBenchStack, type BenchStack } from './stack';

const USAGE = `npm run bench -- [--quick] [--cells one-step/0/8,two-tools/200/64] [--context ROUNDS] [--json FILE]`;

/** Measures Everturn against empty workflows on the same Temporal server; progress on stderr, the report on stdout. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      cells: { type: 'string' },
      context: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  if (values.context !== undefined) {
    await runContexts(Number(values.context));
    return;
  }
  const cells = values.cells?.split(',').map(parseCell) ?? (values.quick ? QUICK_CELLS : ALL_CELLS);
  // A reader that closes the pipe early, such as head, must not leave the stack behind.
  process.stdout.on('error', () => undefined);
  const stopping = stopRequested();
  progress('starting Everturn, a fake model and the floor');
  const stack = await startBenchStack();
  try {
    await Promise.race([run(stack, cells, { isQuick: values.quick, jsonFile: values.json }), stopping]);
  } finally {
    closeConnections();
    await stack.stop();
  }
}

/** Turns with long pasts, alone: their model is another one. */
async function runContexts(rounds: number): Promise<void> {
  progress('starting Everturn and a model that reads nothing');
  const stopping = stopRequested();
  const stack = await startBenchStack('context/model-server.js');
  try {
    const costs = await Promise.race([measureContexts(stack, { rounds, progress }), stopping]);
    process.stdout.write(contextsText(costs));
  } finally {
    closeConnections();
    await stack.stop();
  }
}

async function run(
  stack: BenchStack,
  cells: readonly Cell[],
  { isQuick, jsonFile }: { readonly isQuick: boolean; readonly jsonFile: string | undefined },
): Promise<void> {
  progress('warming up');
  await measureCell(stack, { shape: 'two-tools', modelMs: 0, callers: 8 });
  const results: CellResult[] = [];
  process.stdout.write(`${CELL_HEAD}\n`);
  for (const [at, cell] of cells.entries()) {
    progress(`${at + 1}/${cells.length} ${nameOf(cell)}`);
    const result = await measureCell(stack, cell);
    results.push(result);
    process.stdout.write(`${cellLine(result)}\n`);
  }
  const singles = await measureSingles(stack, { isQuick, progress });
  process.stdout.write(singlesText(singles));
  if (jsonFile !== undefined)
    fs.writeFileSync(jsonFile, `${JSON.stringify({ results, singles }, null, 2)}\n`);
}

const progress = (line: string): void => void process.stderr.write(`bench: ${line}\n`);

function stopRequested(): Promise<never> {
  return new Promise((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => reject(new Error(`stopped by ${signal}`)));
    }
  });
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(
      `bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
