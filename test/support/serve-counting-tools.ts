import path from 'node:path';
import type * as Config from '../../config';
import type * as Log from '../../log';
import type * as Serve from '../../runtime/serve';
import { createCountingTools } from './counting-tools';

// The built server, because its workflow bundle is built, with tools that no environment could give it.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const built = (file: string): unknown => require(path.resolve(__dirname, '../../dist', file));
const { loadConfig, readEnvironment } = built('config.js') as typeof Config;
const { createLogger } = built('log.js') as typeof Log;
const { serve } = built('runtime/serve.js') as typeof Serve;

async function main(): Promise<void> {
  const config = loadConfig(readEnvironment());
  const log = createLogger(config.logLevel);
  const tools = createCountingTools(process.env['TEST_COUNTING_TARGET'] ?? '');
  const server = await serve(config, log, { tools });
  process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
  log.info({ url: server.url }, 'Everturn is ready');
}

void main();
