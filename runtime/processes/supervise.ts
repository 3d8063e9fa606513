import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../domain/errors';
import type { Logger } from '../../log';
import type { Launched } from './launch';

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
export async function supervise(
  service: Service,
  options: SuperviseOptions,
  signal: AbortSignal,
): Promise<Supervised> {
  const first = await service.start(signal);
  return new SupervisedService(service, options, first);
}

class SupervisedService implements Supervised {
  readonly name: string;
  private readonly stopping = new AbortController();
  private readonly ended: Promise<void>;
  private delayMs = FIRST_DELAY_MS;

  constructor(
    private readonly service: Service,
    private readonly options: SuperviseOptions,
    private current: Launched,
  ) {
    this.name = service.name;
    this.ended = this.keepRunning();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.current.kill(this.service.stopSignal);
    const timer = setTimeout(() => {
      this.current.kill('SIGKILL');
    }, this.service.stopTimeoutMs);
    await this.ended;
    clearTimeout(timer);
  }

  hurry(): void {
    this.current.kill(this.service.hurrySignal);
  }

  private async keepRunning(): Promise<void> {
    for (;;) {
      const startedAt = performance.now();
      const { reason, fatal } = await this.current.exited;
      if (this.isStopping()) return;
      if (fatal) {
        this.options.onFatal(fatal);
        return;
      }
      if (performance.now() - startedAt > HEALTHY_AFTER_MS) this.delayMs = FIRST_DELAY_MS;
      this.options.log.warn({ reason, delayMs: this.delayMs }, `${this.name} ended and is started again`);
      const launched = await this.restart();
      if (!launched) return;
      this.current = launched;
      if (this.isStopping()) launched.kill(this.service.stopSignal); // stop() could only signal the one before.
    }
  }

  /** Tries until the service serves; null when it is to stop, or says that trying is useless. */
  private async restart(): Promise<Launched | null> {
    for (;;) {
      try {
        await this.pause();
        const launched = await this.service.start(this.stopping.signal);
        this.options.log.info({ pid: launched.pid }, `${this.name} is back`);
        return launched;
      } catch (error) {
        if (this.isStopping()) return null;
        if (error instanceof FatalServiceError) {
          this.options.onFatal(error);
          return null;
        }
        const reason = error instanceof Error ? error.message : String(error);
        this.options.log.error({ reason }, `${this.name} could not be started and is tried again`);
      }
    }
  }

  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  private async pause(): Promise<void> {
    const delayMs = this.delayMs;
    this.delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
    await sleep(delayMs, undefined, { signal: this.stopping.signal });
  }
}

/** A problem that another attempt can't solve, such as a wrong setting. */
export class FatalServiceError extends AppError {
  constructor(message: string) {
    super('INVALID_ARGUMENT', message);
  }
}
