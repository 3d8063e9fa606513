import { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import path from 'node:path';
import { WORKER_LIMITS } from '../../worker/create-worker';
import { connectTemporal } from '../../worker/temporal-connection';
import { activitiesOf, type Cell } from '../cells';
import { applyLoad } from '../load';
import { wait } from './activities';
import type { floorTurn } from './floor-turn';

const TASK_QUEUE = 'floor';

/** The floor as a process of its own: client and worker on one connection, as in the server. Takes cells over IPC. */
async function main(address: string): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const connection = await connectTemporal({ address, apiKey: null, tls: null });
  const worker = await Worker.create({
    ...WORKER_LIMITS,
    connection,
    taskQueue: TASK_QUEUE,
    workflowBundle: await bundleWorkflowCode({
      workflowsPath: path.join(__dirname, 'floor-turn.js'),
      logger: new DefaultLogger('ERROR'),
    }),
    activities: { wait },
  });
  const running = worker.run();
  const client = new Client({ connection });
  let isStopping = false;
  process.on('message', (cell: Cell) => {
    void measure(client, cell).then((load) => process.send?.(load));
  });
  process.once('disconnect', () => {
    isStopping = true;
    worker.shutdown();
  });
  process.send?.('ready');
  await running.catch((error: unknown) => {
    if (!isStopping) throw error;
  });
  await connection.close();
}

function measure(client: Client, cell: Cell) {
  const waitsMs = activitiesOf(cell);
  return applyLoad(cell, async (caller) => {
    await client.workflow.execute<typeof floorTurn>('floorTurn', {
      workflowId: `floor/${caller}`,
      taskQueue: TASK_QUEUE,
      args: [waitsMs],
      requestEagerStart: true,
    });
  });
}

main(process.argv[2] ?? '').then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
