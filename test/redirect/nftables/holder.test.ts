import { beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { findHolder, socketInode } from '../../../src/redirect/nftables/holder.ts';
import { folderForAll } from '../../lab/folder.ts';

/** Lines of /proc/net/netlink of Linux 6.18. */
const TABLE = `sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
0000000001f8f192 0   0          00000000 0        0        0     2        0        4       
00000000ce0ac5d9 0   4242       00000111 0        0        0     2        0        9001    
00000000a622770e 12  0          00000000 0        0        0     2        0        408     
000000007ad0e9d6 12  4242       00000000 0        0        0     2        0        9002    
000000003dd2a0de 12  3294967295 00000000 0        0        0     2        0        9003    
`;

test('socketInode() tells busses and ports apart', () => {
  expect(socketInode(TABLE, 4242)).toBe('9002');
  expect(socketInode(TABLE, 3294967295)).toBe('9003');
  expect(socketInode(TABLE, 77)).toBeUndefined();
  expect(socketInode('', 4242)).toBeUndefined();
});

describe('findHolder()', () => {
  const proc = folderForAll();
  beforeAll(() => {
    mkdirSync(proc.file('net'));
    writeFileSync(proc.file('net/netlink'), TABLE);
    for (const [pid, inode] of [
      ['100', '9001'],
      ['200', '9003'],
    ]) {
      mkdirSync(proc.file(`${pid}/fd`), { recursive: true });
      symlinkSync('/dev/null', proc.file(`${pid}/fd/0`));
      symlinkSync(`socket:[${inode}]`, proc.file(`${pid}/fd/7`));
      writeFileSync(proc.file(`${pid}/comm`), 'snet\n');
    }
    // A process that has just ended: no fd folder any more.
    mkdirSync(proc.file('150'));
  });

  test('finds the process whose descriptor the socket is, whatever its port id', () => {
    expect(findHolder(3294967295, proc.path)).toEqual({ pid: 200, command: 'snet' });
  });

  test('finds none for a socket that no process here has, or that is not there', () => {
    expect(findHolder(4242, proc.path)).toBeUndefined();
    expect(findHolder(5, proc.path)).toBeUndefined();
    expect(findHolder(5, proc.file('nowhere'))).toBeUndefined();
  });
});
