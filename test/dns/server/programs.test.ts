import { afterAll, beforeAll, expect, test } from 'bun:test';
import { dig } from '../../lab/dig.ts';
import { Netns } from '../../lab/netns.ts';
import { start, type Program } from '../../lab/program.ts';
import { describeNeeding } from '../../needs.ts';

const script = (name: string) => new URL(name, import.meta.url).pathname;

describeNeeding(['root', 'ip', 'dig', 'kdig'], 'the listener, asked by dig and kdig', () => {
  let ns: Netns;
  let server: Program;
  let port: string;

  beforeAll(async () => {
    ns = await Netns.create('dns');
    server = start(ns, [process.execPath, script('serving.ts')]);
    port = (await server.says(/^port (\d+)/m))[1]!;
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await ns[Symbol.asyncDispose]();
  });

  const answer = (...args: string[]) => ns.must(dig('-p', port, ...args));
  const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0;

  test.each([
    ['UDP, IPv4', ['@127.0.0.1']],
    ['UDP, IPv6', ['@::1']],
    ['TCP, IPv4', ['@127.0.0.1', '+tcp']],
    ['TCP, IPv6', ['@::1', '+tcp']],
  ])('answers over %s', async (_, how) => {
    expect(await answer(...how, '+short', 'name.example')).toBe('192.0.2.1\n');
  });

  test('cuts what is too long for UDP, and gives it over TCP', async () => {
    const cut = await answer('@127.0.0.1', '+noedns', '+ignore', 'big-60.example');
    expect(cut).toMatch(/flags: qr tc rd/);
    const whole = await answer('@127.0.0.1', '+noedns', 'big-60.example');
    expect(whole).toContain('Truncated, retrying in TCP mode');
    expect(count(whole, /192\.0\.2\.\d+$/gm)).toBe(60);
  });

  test('gives over UDP what the asker says that it takes', async () => {
    const over = await answer('@127.0.0.1', '+bufsize=1232', '+ignore', 'big-60.example');
    expect(over).not.toMatch(/flags: qr tc/);
    expect(over).toContain('EDNS: version: 0');
    expect(count(over, /192\.0\.2\.\d+$/gm)).toBe(60);
    expect(await answer('@127.0.0.1', '+bufsize=700', '+ignore', 'big-60.example')).toMatch(
      /flags: qr tc rd/,
    );
  });

  test('answers EDNS as RFC 6891 has it: a version that is none, options that are unknown, a cookie', async () => {
    expect(await answer('@127.0.0.1', '+edns=7', '+noednsneg', 'name.example')).toContain('status: BADVERS');
    expect(
      await answer('@127.0.0.1', '+ednsopt=65001:cafe', '+cookie=0011223344556677', 'name.example'),
    ).toContain('status: NOERROR');
  });

  test('answers several queries on one connection', async () => {
    const names = ['one.example', 'two.example', 'three.example'];
    const said = await ns.must(['kdig', '@127.0.0.1', '-p', port, '+tcp', '+keepopen', '+short', ...names]);
    expect(said).toBe('192.0.2.1\n192.0.2.1\n192.0.2.1\n');
  });

  test('answers each of 12,000 names asked for at once, and refuses those beyond 10,000', async () => {
    const flood = await ns.script(script('flood.ts'), [port, '12000']);
    expect(flood.stderr).toBe('');
    const counts = JSON.parse(flood.stdout) as Record<string, number>;
    expect(Object.values(counts).reduce((sum, each) => sum + each, 0)).toBe(12_000);
    expect(
      Object.keys(counts).filter((rcode) => !['NOERROR', 'REFUSED', 'SERVFAIL'].includes(rcode)),
    ).toEqual([]);
    const [high, low] = (await answer('@127.0.0.1', '+short', 'memory.example'))
      .trim()
      .split('.')
      .slice(2)
      .map(Number);
    // Bun alone takes some 60 MiB.
    expect(high! * 256 + low!).toBeLessThan(300);
    expect(server.said()).not.toContain('FAILED');
  }, 30_000);
});
