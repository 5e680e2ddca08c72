/** Linux: who listens on a TCP port of this machine, for the person who finds it taken. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** TCP_LISTEN, include/net/tcp_states.h */
const LISTEN = '0A';

/**
 * `process 1234 (nginx)`, by /proc.
 * @returns undefined if it can't be told: no /proc, or a process of another user
 */
export function portHolder(port: number, proc: string = '/proc'): string | undefined {
  const inodes = new Set(
    ['tcp', 'tcp6'].flatMap((table) => listeningInodes(read(`${proc}/self/net/${table}`), port)),
  );
  if (inodes.size === 0) return undefined;
  for (const pid of entries(proc).filter((name) => /^\d+$/.test(name))) {
    for (const fd of entries(`${proc}/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(target(`${proc}/${pid}/fd/${fd}`))?.[1];
      if (inode !== undefined && inodes.has(inode))
        return `process ${pid} (${read(`${proc}/${pid}/comm`).trim()})`;
    }
  }
  return undefined;
}

/** Inodes of the sockets that listen on a port, from /proc/net/tcp or tcp6 (proc_net_tcp in the kernel's documentation). */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(wanted) && state === LISTEN)
    .flatMap((fields) => fields[9] ?? []);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    // The process has ended in between, or is another user's.
    return [];
  }
}

function target(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
