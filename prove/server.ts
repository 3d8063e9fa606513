import { DefaultLogger, Runtime } from '@temporalio/worker';
import { loadConfig, readEnvironment } from '../config';
import { createLogger } from '../log';
import { serve } from '../runtime/serve';
import { withFailpoints, withoutLedger, withStartFailpoints, type Failpoint } from './failpoints';
import { countedTools, countingTools, loadUserTools } from './tools';

/** What the kit tells a server process as its one argument. */
export interface ServerSetup {
  readonly coordinatorUrl: string;
  readonly lane: number;
  readonly isLedgerOff: boolean;
  readonly toolsFile: string | null;
}

/** The product's server with failpoints and counting tools, which no environment can give it. */
async function main(): Promise<void> {
  const setup = JSON.parse(process.argv[2] ?? '') as ServerSetup; // what lane.ts wrote
  const { coordinatorUrl, lane, isLedgerOff, toolsFile } = setup;
  const config = loadConfig(readEnvironment());
  const log = createLogger(config.logLevel);
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined), shutdownSignals: [] });
  const reach: Failpoint = async (hit) => {
    const body = JSON.stringify({ ...hit, lane });
    const response = await fetch(`${coordinatorUrl}/failpoint`, { method: 'POST', body });
    await response.text();
  };
  const userTools = toolsFile === null ? [] : await loadUserTools(toolsFile);
  await serve(config, log, {
    tools: [...countingTools(coordinatorUrl), ...countedTools(userTools, coordinatorUrl)],
    aroundActivities: (deps) => withFailpoints(isLedgerOff ? withoutLedger(deps) : deps, reach),
    aroundTurns: (turns) => withStartFailpoints(turns, reach),
  });
  process.once('disconnect', () => process.exit(0));
  process.send?.({ type: 'ready' });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
