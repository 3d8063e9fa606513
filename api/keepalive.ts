import type { Response } from 'express';

/** When a JSON answer that takes long is begun, and how often it shows life from then on. */
export interface KeepaliveTimes {
  readonly beginAfterMs: number;
  readonly everyMs: number;
}

/** The times of a request that comes for the first time, and of one whose client has lost an answer, or patience. */
export interface Keepalive {
  readonly first: KeepaliveTimes;
  readonly resent: KeepaliveTimes;
}

/**
 * Below the SDKs' 60 seconds and the idle limits of proxies (30 seconds and more). The TypeScript SDK does not send a
 * request again once its answer has begun, so an answer begins no sooner than it must.
 */
export const KEEPALIVE: Keepalive = {
  first: { beginAfterMs: 20_000, everyMs: 10_000 },
  resent: { beginAfterMs: 1_000, everyMs: 1_000 },
};

/** An answer that keeps its connection alive while its content is worked on. */
export interface PatientAnswer {
  /** Whether the status is out: from then on an error can only be told inside the body. */
  readonly isBegun: boolean;
  /** Aborted when the client has gone away. */
  readonly gone: AbortSignal;
  /** Sends the content and ends the answer. Nothing happens if the client has gone. */
  end(content: unknown): void;
  /** Stops the clock without an answer, for an error handler that sends its own. */
  release(): void;
}

/**
 * Holds a JSON answer open: after `beginAfterMs` status 200 and the headers go out, then a space every `everyMs`, which
 * JSON allows in front of its text. A reader that does not keep up is sent no more spaces until it has read.
 */
export function patientAnswer(res: Response, { beginAfterMs, everyMs }: KeepaliveTimes): PatientAnswer {
  const gone = new AbortController();
  let timer = setTimeout(begin, beginAfterMs);

  function begin(): void {
    res.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-cache' });
    res.flushHeaders();
    beat();
  }
  function beat(): void {
    if (!res.writableNeedDrain) res.write(' ');
    timer = setTimeout(beat, everyMs);
  }
  const release = (): void => clearTimeout(timer);

  res.once('close', () => {
    release();
    gone.abort();
  });
  return {
    get isBegun() {
      return res.headersSent;
    },
    gone: gone.signal,
    end(content) {
      release();
      if (gone.signal.aborted) return;
      if (res.headersSent) res.end(JSON.stringify(content));
      else res.json(content);
    },
    release,
  };
}
