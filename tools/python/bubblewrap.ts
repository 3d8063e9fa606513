import fs from 'node:fs';
import path from 'node:path';

/**
 * The command below which a process has namespaces of its own: no other processes, no host's network unless given, and a
 * file system of libraries and its own folder.
 */
export function underBubblewrap(
  program: string,
  {
    command,
    work,
    readable,
    network,
  }: {
    readonly command: readonly string[];
    readonly work: string;
    readonly readable: readonly string[];
    readonly network: boolean;
  },
): readonly [string, ...string[]] {
  const folders = ['/usr', '/lib', '/lib64', '/etc/ssl', '/etc/localtime', '/etc/ld.so.cache'];
  if (network) folders.push('/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf');
  const shown = [...folders, ...readable].filter((folder) => fs.existsSync(folder));
  return [
    program,
    '--unshare-user',
    ...[
      '--unshare-ipc',
      '--unshare-pid',
      '--unshare-uts',
      '--unshare-cgroup-try',
      ...(network ? [] : ['--unshare-net']),
    ],
    ...['--uid', '65534', '--gid', '65534', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...['--tmpfs', '/', '--dev', '/dev', '--proc', '/proc'],
    ...shown.flatMap((folder) => ['--ro-bind', folder, folder]),
    ...['--bind', work, work, '--chdir', '/', '--'],
    ...command,
  ];
}

/** Where `bwrap` is among these folders; null without it. */
export const findBubblewrap = (searchPath: readonly string[]): string | null =>
  searchPath.map((folder) => path.join(folder, 'bwrap')).find((program) => fs.existsSync(program)) ?? null;
