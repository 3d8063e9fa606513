import fs, { readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

const LEFT_BEHIND_MS = 3_600_000;

/** Makes a folder in `parent` whose name begins with `name` and says which process it belongs to. */
export const makeOwnedFolder = (parent: string, name: string): Promise<string> =>
  fs.promises.mkdtemp(path.join(parent, `${name}${OWNER}-`));

/**
 * Removes folders of `parent` whose names begin with `name` and whose process was killed. Where nobody can tell that (another
 * container's processes, a system without /proc), those that are older than any call takes.
 */
export async function removeLeftBehind(parent: string, name = ''): Promise<void> {
  const names = await fs.promises.readdir(parent).catch(() => []); // Nothing was ever made there.
  for (const each of names) {
    const owner = each.startsWith(name) ? OWNED.exec(each.slice(name.length))?.[1] : undefined;
    const folder = path.join(parent, each);
    if (owner === undefined || !(await isLeftBehind(folder, owner))) continue;
    // Another user's folders are that user's to remove.
    await fs.promises.rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function isLeftBehind(folder: string, owner: string): Promise<boolean> {
  const [namespace, pid] = owner.split('.');
  if (NAMESPACE !== null && namespace === NAMESPACE) return identityOf(Number(pid)) !== owner;
  const stat = await fs.promises.lstat(folder).catch(() => null);
  return stat !== null && Date.now() - stat.mtimeMs > LEFT_BEHIND_MS;
}

// Numbers of processes mean something within their namespace only.
const NAMESPACE = /\d+/.exec(quietly(() => readlinkSync('/proc/self/ns/pid')) ?? '')?.[0] ?? null;

/** Names a process, and no later one with its number; null when it is gone. */
function identityOf(pid: number): string | null {
  const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (NAMESPACE === null || stat === null) return null;
  // The command may hold spaces. Behind it stand the state (Z: dead, and nobody has asked) and, twentieth, the start.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? null : `${NAMESPACE}.${pid}.${fields[19]}`;
}

const OWNER = identityOf(process.pid) ?? `0.${process.pid}.0`;
const OWNED = /^(\d+\.\d+\.\d+)-\w{6}$/;

function quietly(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null; // There is no such process, or no /proc.
  }
}
