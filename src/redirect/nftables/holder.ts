/** Which process is behind a netlink port id: proc(5) knows the socket, and whose descriptor it is. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { NETLINK_NETFILTER } from '../../../ffi/netlink.ts';

export interface Holder {
  readonly pid: number;
  /** The process's short name, e.g. `snet`. */
  readonly command: string;
}

/**
 * @param proc where procfs is mounted
 * @returns undefined if no process that we can see has the socket (it may be one of another container)
 */
export function findHolder(portId: number, proc = '/proc'): Holder | undefined {
  const inode = socketInode(read(`${proc}/net/netlink`), portId);
  if (inode === undefined) return undefined;
  for (const pid of list(proc)) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of list(`${proc}/${pid}/fd`)) {
      if (link(`${proc}/${pid}/fd/${fd}`) !== `socket:[${inode}]`) continue;
      return { pid: Number(pid), command: read(`${proc}/${pid}/comm`).trim() };
    }
  }
  return undefined;
}

/**
 * The inode of a netfilter socket in the text of /proc/net/netlink, one socket a line (net/netlink/af_netlink.c):
 * `sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode`, where Eth is the bus and Pid the port id.
 */
export function socketInode(table: string, portId: number): string | undefined {
  for (const row of table.split('\n')) {
    const [, bus, port, , , , , , , inode] = row.trim().split(/\s+/);
    if (Number(bus) === NETLINK_NETFILTER && Number(port) === portId) return inode;
  }
  return undefined;
}

// Processes come and go while we look; what is gone holds nothing.
function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
