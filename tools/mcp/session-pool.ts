import { createHash } from 'node:crypto';
import type { McpTarget } from '../../domain/mcp-server';
import type { McpSession } from './session';

interface Entry {
  readonly serverId: string | null;
  readonly version: number;
  readonly opening: Promise<McpSession>;
  session: McpSession | null;
  usedAt: number;
}

/** Sessions that stay open between calls, one for each configuration of a server; those that nobody uses end by themselves. */
export class SessionPool {
  readonly #entries = new Map<string, Entry>();
  readonly #ending = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  constructor({ idleMs }: { readonly idleMs: number }) {
    this.#timer = setInterval(() => this.#endIdle(idleMs), Math.min(idleMs, 30_000));
    this.#timer.unref();
  }

  /** The session with this target; `open` begins one if there is none. Callers that come meanwhile share it. */
  async acquire(target: McpTarget, open: (onClosed: () => void) => Promise<McpSession>): Promise<McpSession> {
    const key = keyOf(target);
    const known = this.#entries.get(key);
    if (known && known.session?.isOpen !== false) {
      known.usedAt = Date.now();
      return known.opening;
    }
    for (const [other, entry] of this.#entries)
      if (entry.serverId === target.id && entry.version < target.version && isIdle(entry))
        this.#end(other, entry);
    const { id: serverId, version } = target;
    const opening = open(() => this.#remove(key, entry));
    const entry: Entry = { serverId, version, opening, session: null, usedAt: Date.now() };
    this.#entries.set(key, entry);
    try {
      return (entry.session = await opening);
    } catch (error) {
      this.#remove(key, entry);
      throw error;
    }
  }

  /** The next call begins another session; this one ends when nobody waits for it. */
  drop(session: McpSession): void {
    for (const [key, entry] of this.#entries) {
      if (entry.session !== session) continue;
      if (session.inFlight === 0) this.#end(key, entry);
      else this.#entries.delete(key);
    }
  }

  /** Ends the sessions with a server. */
  forget(serverId: string): void {
    for (const [key, entry] of this.#entries) if (entry.serverId === serverId) this.#end(key, entry);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const [key, entry] of this.#entries) this.#end(key, entry);
    await Promise.all(this.#ending);
  }

  #remove(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  #end(key: string, entry: Entry): void {
    this.#remove(key, entry);
    const done = entry.opening.then((session) => session.close()).catch(() => undefined); // It never opened.
    this.#ending.add(done);
    void done.finally(() => this.#ending.delete(done));
  }

  #endIdle(idleMs: number): void {
    const limit = Date.now() - idleMs;
    for (const [key, entry] of this.#entries)
      if (isIdle(entry) && entry.usedAt < limit) this.#end(key, entry);
  }
}

const isIdle = ({ session }: Entry): boolean => session?.inFlight === 0;

// An agent's secrets may be part of the configuration: agents with different ones have sessions of their own.
const keyOf = ({ id, version, config }: McpTarget): string =>
  createHash('sha256')
    .update(JSON.stringify([id, version, config]))
    .digest('hex');
