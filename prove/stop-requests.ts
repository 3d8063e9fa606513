import type { Stops } from './run';

// The terminal signals npm and us, and npm passes its signal on: one Ctrl-C arrives twice.
const ONE_REQUEST_MS = 500;

/** Ctrl-C once lets the turns under way end and reports; once more drops everything. */
export function onStopRequests(say: (line: string) => void): Stops {
  const windUp = new AbortController();
  const now = new AbortController();
  let last = -Infinity;
  const request = () => {
    const at = performance.now();
    const isSame = at - last < ONE_REQUEST_MS;
    last = at;
    if (isSame) return;
    if (windUp.signal.aborted) now.abort(new Stopped());
    else say('stopping after the kills under way (again to stop at once, without a report)');
    windUp.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, request);
  return { windUp: windUp.signal, now: now.signal };
}

/** Why everything was dropped: it was asked for. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}
