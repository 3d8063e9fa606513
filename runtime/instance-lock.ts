import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../domain/errors';
import { isCode, readIfThere } from './data-folder';
import { identityOf, isRunning, type ProcessIdentity } from './processes/process-identity';

const Identity = z.object({ pid: z.number().int().positive(), startedAt: z.string() });

/**
 * Makes this process the only one that uses the data folder until it ends or calls the returned function. The lock of a
 * process that was killed is taken over at once; a living owner is named in the error.
 */
export function lockDataFolder(home: string): () => void {
  const lock = path.join(home, 'everturn.lock');
  const mine = path.join(home, `everturn.lock.${process.pid}`);
  fs.writeFileSync(mine, JSON.stringify(identityOf(process.pid)), { mode: 0o600, flush: true });
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (claim(mine, lock)) return () => releaseLock(lock);
      evictIfDead(lock, home);
    }
  } finally {
    fs.rmSync(mine, { force: true });
  }
  throw inUse(home, null);
}

/** A link is made in one step and only when the name is free, so two claims never both succeed. */
function claim(mine: string, lock: string): boolean {
  try {
    fs.linkSync(mine, lock);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function evictIfDead(lock: string, home: string): void {
  const owner = readOwner(lock);
  if (owner && isRunning(owner)) throw inUse(home, owner);
  const evicted = `${lock}.dead.${process.pid}`;
  try {
    fs.renameSync(lock, evicted);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return; // Its owner released it, or somebody else evicted it.
    throw error;
  }
  // Between the look and the rename another start may have taken the lock: give it back.
  const moved = readOwner(evicted);
  if (moved && isRunning(moved)) {
    fs.renameSync(evicted, lock);
    throw inUse(home, moved);
  }
  fs.unlinkSync(evicted);
}

function readOwner(lock: string): ProcessIdentity | null {
  const content = readIfThere(lock);
  if (!content) return null;
  try {
    return Identity.parse(JSON.parse(content));
  } catch {
    return null; // Not a lock that Everturn wrote: nobody can own it.
  }
}

function releaseLock(lock: string): void {
  if (readOwner(lock)?.pid === process.pid) fs.rmSync(lock, { force: true });
}

function inUse(home: string, owner: ProcessIdentity | null): AppError {
  const who = owner ? `Another Everturn (pid ${owner.pid})` : 'Another Everturn';
  return new AppError(
    'CONFLICT',
    `${who} already uses ${home}; stop it or set EVERTURN_HOME to another folder.`,
  );
}
