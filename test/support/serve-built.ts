import path from 'node:path';
import type * as Config from '../../config';
import type * as Log from '../../log';
import type * as Serve from '../../runtime/serve';

// The built server, because its workflow bundle is built.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const built = (file: string): unknown => require(path.resolve(__dirname, '../../dist', file));
const { loadConfig, readEnvironment } = built('config.js') as typeof Config;
const { createLogger } = built('log.js') as typeof Log;
const { serve } = built('runtime/serve.js') as typeof Serve;

/** Runs the server until SIGTERM, with what no environment could give it. */
export async function serveBuilt(options: Serve.ServeOptions): Promise<void> {
  const config = loadConfig(readEnvironment());
  const log = createLogger(config.logLevel);
  const server = await serve(config, log, options);
  process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
  log.info({ url: server.url }, 'Everturn is ready');
}
