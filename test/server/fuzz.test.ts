/** The program itself under a hail of bytes that mean nothing, or nearly something: it lives, and does not grow. */
import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createCertificates } from '../dns/exchange/certificates.ts';
import { eventually } from '../lab/eventually.ts';
import { folderForAll } from '../lab/folder.ts';
import { Netns } from '../lab/netns.ts';
import { openDescriptors, residentKiB } from '../lab/proc.ts';
import { describeNeeding } from '../needs.ts';
import { Client, serveEcho, writeAll } from '../relay/harness.ts';
import { sealed, shadowsocks, through, tlsTunnel, type Speech } from './stage.ts';

const CROWD = 150;
/** Until the engine has grown what it needs, and after that. */
const ROUNDS = { first: 10, after: 60 };
/**
 * 27,000 connections; it stays about here, though there be a hundred times as many. Much of it is the memory of salts, and
 * garbage that is not collected yet.
 */
const BOUND_KIB = 96 * 1024;

describeNeeding(['linux', 'openssl'], 'snet server under fire', () => {
  const folder = folderForAll();

  test('lives, forgets, and serves whoever knows the key', async () => {
    await using certificates = await createCertificates();
    const speeches = [
      shadowsocks('aes-256-gcm'),
      shadowsocks('2022-blake3-aes-256-gcm'),
      tlsTunnel(certificates),
    ];
    const ports = speeches.map(() => freePort());
    const file = folder.file('server.json');
    const listeners = speeches.map(({ listener }, i) => ({ ...listener, listen: `127.0.0.1:${ports[i]}` }));
    writeFileSync(
      file,
      JSON.stringify({ server: { listeners, 'allow-private': true }, log: { level: 'error' } }),
    );
    await using child = Bun.spawn(Netns.snet(['server', '-c', file]), { stdout: 'ignore', stderr: 'pipe' });
    const said = child.stderr.text();
    for (const port of ports) await eventually('it to listen', () => connects(port));
    const base = openDescriptors(child.pid);

    for (let i = 0; i < ROUNDS.first; i++) await round(speeches, ports);
    const before = residentKiB(child.pid);
    for (let i = 0; i < ROUNDS.after; i++) await round(speeches, ports);
    await eventually('all to be gone', () => openDescriptors(child.pid) <= base + 1);
    expect(residentKiB(child.pid) - before).toBeLessThan(BOUND_KIB);

    using target = serveEcho();
    for (const [i, speech] of speeches.entries()) {
      using relay = through({ port: ports[i]! }, target.endpoint, speech);
      const client = new Client(relay.port, (socket) => socket.shutdown());
      (await client.socket).write('hello');
      expect(await client.end).toBe('FIN');
      expect(client.text).toBe('echo hello');
    }
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(await said).not.toInclude('ERR_INTERNAL');
  }, 120_000);
});

/** As many at once as {@link CROWD}, at each port. */
async function round(speeches: readonly Speech[], ports: readonly number[]): Promise<void> {
  await Promise.all(
    speeches.flatMap((speech, i) => Array.from({ length: CROWD }, (_, n) => shoot(speech, ports[i]!, n))),
  );
}

/** Says something, in pieces, and goes: in order, with a reset, or half. */
async function shoot(speech: Speech, port: number, n: number): Promise<void> {
  // Half of those to a TLS port don't speak TLS.
  const tls = n % 2 === 0 ? speech.tls?.options : undefined;
  const client = new Client(port, undefined, tls);
  const socket = await client.socket.catch(() => undefined);
  if (!socket) return;
  const bytes = nonsense(speech, n);
  const cut = n % 3 === 0 ? Math.floor(Math.random() * bytes.length) : bytes.length;
  try {
    await writeAll(socket, bytes.subarray(0, cut));
    await writeAll(socket, bytes.subarray(cut));
  } catch {
    // A TLS server may well hang up on what is no TLS.
  }
  if (n % 5 === 0) socket.terminate();
  else socket.shutdown();
  await Promise.race([client.end, Bun.sleep(2_000)]);
  socket.terminate();
}

/** A port of loopback that refuses. */
const TARGET = { name: 'localhost', port: 9 };

function nonsense(speech: Speech, n: number): Uint8Array {
  const size = Math.floor(Math.random() ** 3 * 20_000);
  if (n % 4 === 0) return randomBytes(size);
  // What a client says, with something wrong anywhere in it, or with nothing wrong and nonsense behind it.
  const wire = sealed(speech, TARGET, 'x'.repeat(n % 4 === 1 ? 0 : size));
  const at = Math.floor(Math.random() * wire.length);
  if (n % 4 === 1) return Buffer.concat([wire, randomBytes(size)]);
  if (n % 4 === 2) return wire.map((byte, i) => (i === at ? byte ^ 0x10 : byte));
  return wire.subarray(0, at);
}

function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}

async function connects(port: number): Promise<boolean> {
  const socket = await new Client(port).socket.catch(() => undefined);
  socket?.terminate();
  return socket !== undefined;
}
