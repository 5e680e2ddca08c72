import { beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { listeningInodes, portHolder } from '../../src/inbound/port_holder_linux.ts';
import { folderForAll } from '../lab/folder.ts';
import { Netns } from '../lab/netns.ts';
import { start } from '../lab/program.ts';
import { describeNeeding } from '../needs.ts';

/** /proc/net/tcp of Linux 6.18: listeners on 127.0.0.1:1111 and 0.0.0.0:11111; connections from and to port 1111. */
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 0100007F:0457 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5001 1 0000000000000000 100 0 0 10 0                      
   1: 00000000:2B67 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5002 1 0000000000000000 100 0 0 10 0                      
   2: 0100007F:0457 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 5003 1 0000000000000000 20 4 0 10 -1                      
   3: 0100007F:D431 0100007F:0457 01 00000000:00000000 02:000AC3B5 00000000     0        0 5004 2 0000000000000000 20 4 30 10 -1                     
`;

/** /proc/net/tcp6: a listener on [::1]:2222. */
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:08AE 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 6001 1 0000000000000000 100 0 0 10 0
`;

test('listeningInodes() takes listeners only, of this very port', () => {
  expect(listeningInodes(TCP, 1111)).toEqual(['5001']);
  expect(listeningInodes(TCP, 11111)).toEqual(['5002']);
  expect(listeningInodes(TCP, 54321)).toEqual([]);
  expect(listeningInodes(TCP6, 2222)).toEqual(['6001']);
  expect(listeningInodes('', 1111)).toEqual([]);
});

describe('portHolder()', () => {
  const proc = folderForAll();
  beforeAll(() => {
    mkdirSync(proc.file('self/net'), { recursive: true });
    writeFileSync(proc.file('self/net/tcp'), TCP);
    writeFileSync(proc.file('self/net/tcp6'), TCP6);
    for (const [pid, name, inode] of [
      ['100', 'client', '5004'],
      ['200', 'my server', '5001'],
      ['300', 'six', '6001'],
    ] as const) {
      mkdirSync(proc.file(`${pid}/fd`), { recursive: true });
      writeFileSync(proc.file(`${pid}/comm`), `${name}\n`);
      symlinkSync('/dev/null', proc.file(`${pid}/fd/0`));
      symlinkSync(`socket:[${inode}]`, proc.file(`${pid}/fd/3`));
    }
    // A process that has ended while we look, and what is no process.
    mkdirSync(proc.file('150'));
    mkdirSync(proc.file('bus'));
  });

  test('names the process that listens, by either family', () => {
    expect(portHolder(1111, proc.path)).toBe('process 200 (my server)');
    expect(portHolder(2222, proc.path)).toBe('process 300 (six)');
  });

  test('knows nothing of a port where nobody listens, of a holder out of sight, and where there is no /proc', () => {
    expect(portHolder(3333, proc.path)).toBeUndefined();
    expect(portHolder(11111, proc.path)).toBeUndefined();
    expect(portHolder(1111, proc.file('nothing'))).toBeUndefined();
  });
});

describeNeeding(['linux'], 'portHolder(), by the real /proc', () => {
  test.each(['127.0.0.1', '::1'])('finds us on %s', (hostname) => {
    const server = Bun.listen({ hostname, port: 0, socket: { data() {} } });
    expect(portHolder(server.port)).toStartWith(`process ${process.pid} (`);
    server.stop(true);
    expect(portHolder(server.port)).toBeUndefined();
  });
});

describeNeeding(['root', 'ip', 'nc'], 'portHolder()', () => {
  test('sees the ports of its own network only', async () => {
    await using ns = await Netns.create('port');
    await using listener = start(ns, ['nc', '-l', '-k', '-v', '127.0.0.1', '1111']);
    await listener.says(/Listening/);
    const module = new URL('../../src/inbound/port_holder_linux.ts', import.meta.url).href;
    const ask = `const { portHolder } = await import('${module}'); process.stdout.write(portHolder(1111));`;
    expect(await ns.must([process.execPath, '-e', ask])).toBe(`process ${listener.pid} (nc)`);
    expect(portHolder(1111) ?? '').not.toContain(String(listener.pid));
  });
});
