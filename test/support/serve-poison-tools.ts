import path from 'node:path';
import type * as Config from '../../config';
import type * as Log from '../../log';
import type * as Serve from '../../runtime/serve';
import { createPoisonTools } from './poison-tools';

// The built server, because its workflow bundle is built, with tools and limits that no environment could give it.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const built = (file: string): unknown => require(path.resolve(__dirname, '../../dist', file));
const { loadConfig, readEnvironment } = built('config.js') as typeof Config;
const { createLogger } = built('log.js') as typeof Log;
const { serve } = built('runtime/serve.js') as typeof Serve;

async function main(): Promise<void> {
  const config = loadConfig(readEnvironment());
  const log = createLogger(config.logLevel);
  const limitMs = Number(process.env['TEST_TOOL_LIMIT_MS']);
  const toolLimits = { once: limitMs, read: limitMs, idempotent: limitMs };
  const server = await serve(config, log, { tools: createPoisonTools(), toolLimits });
  process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
  log.info({ url: server.url }, 'Everturn is ready');
}

void main();
