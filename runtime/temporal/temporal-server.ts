import path from 'node:path';
import { TURN_ATTRIBUTES } from '../../domain/turn-attributes';
import { launch, type Launched } from '../processes/launch';
import { untilReady } from '../processes/until-ready';
import type { ProcessGuard } from '../processes/process-guard';
import { isTemporalReady } from './temporal-probe';

export interface TemporalServerOptions {
  readonly binary: string;
  readonly home: string;
  readonly namespace: string;
  readonly port: number;
  /** null starts no web UI. */
  readonly uiPort: number | null;
  readonly guard: ProcessGuard;
}

// Measured: with its defaults the server writes 2.5 times fewer turns a second, delays every task by 50 ms (one shard,
// 20 polls a second) and every retry by up to a second; and the next message of a busy conversation waits until the
// turn before it is a second old.
const PRAGMAS = ['journal_mode=wal', 'synchronous=1'];
const DYNAMIC_CONFIG = [
  'history.transferProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxPollRPS=200',
  'history.timerProcessorMaxTimeShift="50ms"',
  'history.workflowIdReuseMinimalInterval="0s"',
  // How far its queues are is written down every second, not every five minutes: after a crash it goes through all since then.
  'history.shardUpdateMinInterval="1s"',
  'history.transferProcessorUpdateAckInterval="1s"',
  'history.timerProcessorUpdateAckInterval="1s"',
];
/** What an operator can search turns by in Temporal's UI. */
const SEARCH_ATTRIBUTES = TURN_ATTRIBUTES.map((name) => `${name}=Keyword`);

/** Starts Temporal's development server on the data folder's state; resolves when the namespace answers. */
export async function startTemporal(options: TemporalServerOptions, signal: AbortSignal): Promise<Launched> {
  const { binary, home, namespace, port, guard } = options;
  const launched = launch({
    name: 'temporal',
    command: binary,
    args: temporalArguments(options),
    cwd: home,
    logFile: path.join(home, 'temporal.log'),
    stopSignal: 'SIGTERM',
    guard,
  });
  try {
    const isReady = () => isTemporalReady(port, namespace);
    await untilReady({ what: 'The Temporal server', launched, isReady, timeoutMs: 60_000, signal });
    return launched;
  } catch (error) {
    launched.kill('SIGKILL');
    await launched.exited;
    throw error;
  }
}

function temporalArguments({ home, namespace, port, uiPort }: TemporalServerOptions): string[] {
  const each = (flag: string, values: readonly string[]) => values.flatMap((value) => [flag, value]);
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'],
    ...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort), '--ui-disable-news-fetch']),
    ...['--db-filename', path.join(home, 'temporal.db'), '--namespace', namespace],
    ...each('--sqlite-pragma', PRAGMAS),
    ...each('--dynamic-config-value', DYNAMIC_CONFIG),
    ...each('--search-attribute', SEARCH_ATTRIBUTES),
  ];
}
