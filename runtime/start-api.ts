import { once } from 'node:events';
import type { Server } from 'node:http';
import { createApp } from '../api/app';
import { startCallbacks } from '../api/callbacks';
import type { ApiDeps } from '../api/deps';
import { startReembedSweeper } from '../api/reembed-sweeper';
import { startSweeper } from '../api/sweeper';
import type { Config } from '../config';
import { AppError } from '../domain/errors';

// How long open answers may still take when the API stops; whoever is cut off sends again or picks the stream up elsewhere.
const DRAIN_MS = 5_000;

/** Listens and starts what the API does by itself; `stop` lets open answers end within five seconds. */
export async function startApi(config: Config, deps: ApiDeps) {
  const server = createApp(deps).listen(config.api.port, config.api.host);
  await listening(server, config);
  const stopSweeper = startSweeper(deps);
  const stopCallbacks = startCallbacks(deps);
  const stopReembedSweeper = startReembedSweeper(deps);
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : config.api.port;
  return {
    url: `http://${config.api.host}:${port}`,
    async stop() {
      stopSweeper();
      stopCallbacks();
      stopReembedSweeper();
      server.close();
      server.closeIdleConnections();
      const closed = once(server, 'close');
      const hurry = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(hurry);
    },
  };
}

async function listening(server: Server, { api }: Config): Promise<void> {
  await once(server, 'listening').catch((cause: unknown) => {
    const error = cause as NodeJS.ErrnoException; // what node:net emits
    if (error.code === 'EADDRINUSE') {
      throw new AppError(
        'INVALID_ARGUMENT',
        `Port ${api.port} on ${api.host} is in use. Stop what listens there, or set PORT.`,
      );
    }
    throw new AppError(
      'INVALID_ARGUMENT',
      `Can't listen on ${api.host}:${api.port}: ${error.message}. Set HOST and PORT.`,
    );
  });
}
