import type { Request, Response } from 'express';
import { once } from 'node:events';
import { outlastRestart } from '../db/outlast-restart';
import { findMessages } from '../db/messages';
import { readEvents, type StoredRunEvent } from '../db/run-events';
import { getRunWithUsage, isRunOver, type Run } from '../db/runs';
import type { ApiDeps } from './deps';
import { subscribe } from './run-news';
import { keepalivePing, openingPing, OPENING_SEQ, toFrames } from './wire/run-event';
import type { MessageOptions } from './wire/message';

export interface StreamOptions extends MessageOptions {
  /** The last frame the client has; 0 for none. */
  readonly startingAfter: number;
  readonly includePings: boolean;
  /** Frames carry an `id:` line, for readers that resume with `Last-Event-ID`. */
  readonly withIds?: boolean;
  /** Makes the frames of an event, where they are not Letta's. */
  readonly show?: typeof toFrames;
}

// Letta's keepalive. News wakes the stream at once; the poll only covers a lost connection to Postgres.
const KEEPALIVE_MS = 20_000;
const POLL_MS = 5_000;
const BATCH = 200;

/**
 * Sends a run's events as server-sent events, from the stored ones to those still to come, until the run is over. Any
 * API process can serve any run. A slow reader slows this reading down, and nothing is held in memory beyond one
 * batch. Ends quietly when the client goes away; the run goes on.
 */
export async function streamRun(
  { db, watcher }: Pick<ApiDeps, 'db' | 'watcher'>,
  res: Response,
  run: Pick<Run, 'id' | 'background' | 'createdAt'> & Partial<Pick<Run, 'joinedRunId'>>,
  options: StreamOptions,
): Promise<void> {
  const news = subscribe(watcher, run.id);
  if (run.joinedRunId) news.follow(run.joinedRunId);
  const gone = new AbortController();
  res.on('close', () => gone.abort());
  openStream(res);
  try {
    let seq = options.startingAfter;
    if (seq < OPENING_SEQ) {
      seq = OPENING_SEQ;
      if (options.includePings) await send(res, gone.signal, [openingPing(toPing(run, run.createdAt))]);
    }
    // Whoever has had everything is not kept waiting for the poll to find that out.
    if (options.startingAfter > 0 && (await isOver(db, run.id, seq))) return;
    let silentMs = 0;
    while (!gone.signal.aborted) {
      const after = seq;
      const events = await outlastRestart(() => readEvents(db, run.id, after, BATCH));
      await send(res, gone.signal, await outlastRestart(() => framesOf(db, run, events, options)));
      seq = events.at(-1)?.seq ?? seq;
      for (const { event } of events)
        if (event.type === 'receipt' && event.joinedRunId) news.follow(event.joinedRunId);
      if (events.some(({ event }) => event.type === 'run-end')) break;
      if (events.length > 0) silentMs = 0;
      if (events.length === BATCH) continue;
      const { isTimeout } = await news.next(POLL_MS);
      if (isTimeout && (await isGone(db, run.id))) {
        await send(res, gone.signal, goneFrames(run, seq + 1));
        break;
      }
      if (isTimeout && (await isOver(db, run.id, seq))) break;
      silentMs += isTimeout ? POLL_MS : 0;
      if (silentMs < KEEPALIVE_MS) continue;
      silentMs = 0;
      if (options.includePings) {
        await send(res, gone.signal, [keepalivePing({ ...toPing(run, new Date()), lastSeq: seq })]);
      }
    }
  } finally {
    news.close();
    res.end();
  }
}

function openStream(res: Response): void {
  res.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
  res.socket?.setNoDelay(true);
}

const toPing = (run: Pick<Run, 'id' | 'background'>, date: Date) => ({
  runId: run.id,
  background: run.background,
  date,
});

async function framesOf(
  db: ApiDeps['db'],
  run: Pick<Run, 'id' | 'background'>,
  events: readonly StoredRunEvent[],
  options: StreamOptions,
): Promise<readonly string[]> {
  const ids = events.flatMap(({ event }) => (event.type === 'message' ? [event.messageId] : []));
  const messages = await findMessages(db, [...new Set(ids)]);
  const hasEnd = events.some(({ event }) => event.type === 'run-end');
  const usage = hasEnd ? (await getRunWithUsage(db, run.id)).usage : null;
  const context = {
    runId: run.id,
    background: run.background,
    usage,
    includeTypes: options.includeTypes ?? null,
    speaker: options.speaker,
  };
  return events.flatMap((event) => {
    const frames = (options.show ?? toFrames)(event, messages, context);
    // The frames of the end share a number: only the last one may say that all of it was seen.
    return options.withIds
      ? frames.map((frame, at) => withId(frame, event.seq, at === frames.length - 1))
      : frames;
  });
}

const withId = (frame: string, seq: number, isLast: boolean): string =>
  isLast ? `id: ${seq}\n${frame}` : frame;

/** The last frame that an EventSource says it has; null without the header. Its presence asks for `id:` lines. */
export function lastEventId(req: Request): number | null {
  const given = req.get('last-event-id');
  return given !== undefined && /^\d{0,15}$/.test(given) ? Number(given) : null;
}

/** Writes frames as far as the reader keeps up; waits for it otherwise. */
async function send(res: Response, gone: AbortSignal, frames: readonly string[]): Promise<void> {
  if (frames.length === 0 || gone.aborted) return;
  if (res.write(frames.join(''))) return;
  // A reader that went away never drains: the abort is what ends this wait.
  await once(res, 'drain', { signal: gone }).catch(() => undefined);
}

const isGone = (db: ApiDeps['db'], runId: string): Promise<boolean> =>
  outlastRestart(async () => {
    const { rowCount } = await db.query(`select from runs where id = $1`, [runId]);
    return rowCount === 0;
  });

/** The end of a run that was deleted, with its agent or alone: no stored event can tell it. */
function goneFrames(run: Pick<Run, 'id' | 'background'>, seq: number): readonly string[] {
  const message = `Run ${run.id} was deleted while it was watched.`;
  const error = { code: 'NOT_FOUND', errorType: 'internal_error', message, detail: message };
  const context = { runId: run.id, background: run.background, usage: null, includeTypes: null };
  const event = { type: 'run-end', stopReason: 'error', error } as const;
  return toFrames({ seq, event, createdAt: new Date() }, new Map(), context);
}

/** A reader that asks for what follows the end has had everything. */
async function isOver(db: ApiDeps['db'], runId: string, seq: number): Promise<boolean> {
  return outlastRestart(async () => {
    if (!(await isRunOver(db, runId))) return false;
    return (await readEvents(db, runId, seq, 1)).length === 0;
  });
}
