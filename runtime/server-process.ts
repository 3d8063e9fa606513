import { fork } from 'node:child_process';
import { z } from 'zod';
import { AppError } from '../domain/errors';
import { guarded, type Launched } from './processes/launch';
import type { ProcessGuard } from './processes/process-guard';
import { FatalServiceError } from './processes/supervise';

// What the server tells its supervisor over IPC.
const Ready = z.object({
  type: z.literal('ready'),
  url: z.string(),
  models: z.array(z.string()),
  providers: z.array(z.string()),
});
const Message = z.discriminatedUnion('type', [
  Ready,
  z.object({ type: z.literal('fatal'), message: z.string() }),
]);

/** What a server that listens says of itself. */
export type ServerReady = Omit<z.infer<typeof Ready>, 'type'>;

export interface ServerProcessOptions {
  /** Path of the module that serves, see runtime/serve.ts. */
  readonly module: string;
  readonly env: NodeJS.ProcessEnv;
  readonly guard: ProcessGuard;
}

export interface StartedServer {
  readonly launched: Launched;
  readonly ready: ServerReady;
}

const READY_TIMEOUT_MS = 60_000;

/**
 * Starts API and worker in one child process; resolves when it listens. A problem that the server reports as fatal is
 * thrown as such. The child ends by itself when the IPC channel to this process closes.
 */
export async function startServer(
  options: ServerProcessOptions,
  signal: AbortSignal,
): Promise<StartedServer> {
  const { module, env, guard } = options;
  const child = fork(module, { env, detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let fatal: AppError | null = null;
  const launched = guarded(child, { name: 'server', stopSignal: 'SIGTERM', guard }, { fatal: () => fatal });
  const ready = new Promise<ServerReady>((resolve) => {
    child.on('message', (raw) => {
      const message = Message.safeParse(raw);
      if (!message.success) return; // Not of this protocol.
      if (message.data.type === 'fatal') {
        fatal = new FatalServiceError(message.data.message);
        return;
      }
      resolve(message.data);
    });
  });
  try {
    return { launched, ready: await Promise.race([ready, failure(launched), timeout(signal)]) };
  } catch (error) {
    launched.kill(signal.aborted ? 'SIGTERM' : 'SIGKILL');
    await launched.exited;
    throw error;
  }
}

async function failure(launched: Launched): Promise<never> {
  const { reason, fatal } = await launched.exited;
  throw (
    fatal ??
    new AppError('UNAVAILABLE', `The server ended before it was ready (${reason}); see the lines above.`)
  );
}

function timeout(signal: AbortSignal): Promise<never> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(READY_TIMEOUT_MS)]);
  return new Promise((_resolve, reject) => {
    const fail = () => {
      const late = new AppError(
        'UNAVAILABLE',
        `The server was not ready after ${READY_TIMEOUT_MS / 1000} s.`,
      );
      reject(signal.aborted ? new AppError('CANCELLED', 'The start was interrupted.') : late);
    };
    if (limit.aborted) fail();
    else limit.addEventListener('abort', fail, { once: true });
  });
}
