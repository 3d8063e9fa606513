import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../domain/errors';
import type { Logger } from '../log';
import type { Exit, Launched } from './launch';

/** Something that runs as a process of its own and is started again when it dies. */
export interface Service {
  readonly name: string;
  readonly stopSignal: NodeJS.Signals;
  /** For an operator who doesn't want to wait: ends at once, loses nothing that was acknowledged. */
  readonly hurrySignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
  /** Resolves when it serves. Whatever it started is gone when it throws. */
  start(signal: AbortSignal): Promise<Launched>;
}

export interface SuperviseOptions {
  readonly log: Logger;
  /** Hears that a service said itself that starting it again is useless. */
  readonly onFatal: (error: AppError) => void;
}

export interface Supervised {
  readonly name: string;
  readonly pid: () => number;
  /** Ends the service for good; resolves when it has. */
  stop(): Promise<void>;
  hurry(): void;
}

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5000;
const HEALTHY_AFTER_MS = 30_000;

/**
 * Starts a service and keeps it running on the same ports and data: whenever it dies it is started again, after 100 ms at
 * first and twice as long each time up to 5 s, counted anew once it ran for 30 s. Throws when the first start fails.
 */
export async function supervise(service: Service, options: SuperviseOptions, signal: AbortSignal): Promise<Supervised> {
  const stopping = new AbortController();
  let current = await service.start(signal);
  const loop = keepRunning(service, options, stopping.signal, current, (next) => {
    current = next;
  });
  return {
    name: service.name,
    pid: () => current.pid,
    async stop() {
      stopping.abort();
      current.kill(service.stopSignal);
      const timer = setTimeout(() => {
        current.kill('SIGKILL');
      }, service.stopTimeoutMs);
      await loop;
      clearTimeout(timer);
    },
    hurry() {
      current.kill(service.hurrySignal);
    },
  };
}

async function keepRunning(
  service: Service,
  { log, onFatal }: SuperviseOptions,
  stopping: AbortSignal,
  first: Launched,
  onRestart: (launched: Launched) => void,
): Promise<void> {
  let launched: Launched | null = first;
  let delayMs = FIRST_DELAY_MS;
  while (launched) {
    const startedAt = Date.now();
    const exit: Exit = await launched.exited;
    if (stopping.aborted) return;
    if (exit.fatal) {
      onFatal(exit.fatal);
      return;
    }
    if (Date.now() - startedAt > HEALTHY_AFTER_MS) delayMs = FIRST_DELAY_MS;
    log.warn({ service: service.name, reason: exit.reason, delayMs }, `${service.name} ended and is started again`);
    launched = await restart(service, { log, onFatal }, stopping, delayMs);
    delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
    if (launched) onRestart(launched);
  }
}

/** Tries until the service serves; null when everything is to stop. */
async function restart(
  service: Service,
  { log, onFatal }: SuperviseOptions,
  stopping: AbortSignal,
  firstDelayMs: number,
): Promise<Launched | null> {
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
    try {
      await sleep(delayMs, undefined, { signal: stopping });
      const launched = await service.start(stopping);
      if (!stopping.aborted) log.info({ service: service.name, pid: launched.pid }, `${service.name} is back`);
      if (stopping.aborted) launched.kill(service.stopSignal);
      return launched;
    } catch (error) {
      if (stopping.aborted) return null;
      if (error instanceof FatalServiceError) {
        onFatal(error);
        return null;
      }
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ service: service.name, reason }, `${service.name} could not be started and is tried again`);
    }
  }
}

/** A problem that another attempt can't solve, such as a wrong setting. */
export class FatalServiceError extends AppError {
  constructor(message: string) {
    super('INVALID_ARGUMENT', message);
  }
}
