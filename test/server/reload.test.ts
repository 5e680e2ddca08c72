/** Another configuration in place of the one in force, while the far end runs. */
import { describe, expect, test } from 'bun:test';
import { ListenError } from '../../src/net/listen.ts';
import { METHODS } from '../../src/upstream/shadowsocks/methods.ts';
import { createCertificates } from '../dns/exchange/certificates.ts';
import { eventually } from '../lab/eventually.ts';
import { describeNeeding } from '../needs.ts';
import type { Endpoint } from '../../src/net/address.ts';
import { Client, serveEcho, writeAll } from '../relay/harness.ts';
import {
  farEnd,
  passwordText,
  sealed,
  shadowsocks,
  through,
  tlsTunnel,
  underWay,
  visit,
  type Speech,
} from './stage.ts';

const METHOD = '2022-blake3-aes-256-gcm';
const speech = shadowsocks(METHOD);
const OTHER = { ...speech.listener, password: passwordText(METHODS[METHOD], 'other') };

/** What becomes of one who says hello and ends. */
async function hello(
  far: { readonly port: number },
  target: Endpoint,
  as: Speech = speech,
  password?: string,
): Promise<string> {
  using relay = through(far, target, as, password === undefined ? {} : { password });
  const client = new Client(relay.port, (socket) => socket.shutdown());
  (await client.socket).write('hello');
  const end = await Promise.race([client.end, Bun.sleep(300).then(() => 'silence')]);
  return end === 'FIN' ? client.text : end;
}

describe('another configuration', () => {
  test('has other keys; who is under way by the old ones goes on', async () => {
    using target = serveEcho();
    using far = farEnd(speech);
    using relay = through(far, target.endpoint, speech);
    const client = await underWay(relay, 'one');
    const socket = await client.socket;
    far.use([OTHER]);
    expect(far.server.listeners).toEqual([{ label: expect.stringContaining(METHOD), port: far.port }]);
    expect(await hello(far, target.endpoint, speech, 'other')).toBe('echo hello');
    expect(await hello(far, target.endpoint)).toBe('silence');
    socket.write('two');
    await eventually('another answer', () => client.text === 'echo oneecho two');
  });

  test('has other users, whose counters go on', async () => {
    using target = serveEcho();
    using far = farEnd(shadowsocks('aes-256-gcm'));
    const user = (name: string) => ({ name, password: name });
    const { password: _, ...listener } = shadowsocks('aes-256-gcm').listener;
    far.use([{ ...listener, users: ['alice', 'bob'].map(user) }]);
    const as = shadowsocks('aes-256-gcm');
    expect(await hello(far, target.endpoint, as, 'alice')).toBe('echo hello');
    far.use([{ ...listener, users: ['alice', 'carol'].map(user) }]);
    expect(await hello(far, target.endpoint, as, 'alice')).toBe('echo hello');
    expect(await hello(far, target.endpoint, as, 'carol')).toBe('echo hello');
    expect(await hello(far, target.endpoint, as, 'bob')).toBe('silence');
    await far.endedWith('OK', 3);
    const { users } = far.server.status();
    expect(users).toMatchObject({ alice: { accepted: 2 }, bob: { accepted: 0 }, carol: { accepted: 1 } });
  });

  test('forgets no salt, whoever joins: what was recorded is not taken', async () => {
    using target = serveEcho();
    using far = farEnd(speech);
    const recording = sealed(speech, target.endpoint, 'hello');
    const play = async () => {
      const client = visit(far, speech);
      await writeAll(await client.socket, recording);
      (await client.socket).shutdown();
      await client.end;
      return client.received.length > 0;
    };
    expect(await play()).toBe(true);
    far.use([speech.listener]);
    expect(await play()).toBe(false);
    const key = (name: string) => ({ name, password: passwordText(METHODS[METHOD], name) });
    far.use([{ ...speech.listener, users: [key('alice')] }]);
    far.use([speech.listener]);
    expect(await play()).toBe(false);
    await far.endedWith('ERR_PROTOCOL', 2);
  });

  test('has other rules and limits for those who come', async () => {
    using target = serveEcho();
    using far = farEnd(speech);
    using relay = through(far, target.endpoint, speech);
    const client = await underWay(relay, 'one');
    far.use([speech.listener], { 'allow-private': false });
    expect(await hello(far, target.endpoint)).toBe('ECONNRESET');
    await far.endedWith('ERR_FORBIDDEN');
    far.use([speech.listener], { 'max-per-client': 1 });
    expect(await hello(far, target.endpoint)).toBe('ECONNRESET');
    await far.endedWith('ERR_LIMIT');
    (await client.socket).write('two');
    await eventually('another answer', () => client.text === 'echo oneecho two');
  });

  test('listens at more places, and at fewer', async () => {
    using target = serveEcho();
    using far = farEnd(speech);
    const other = shadowsocks('aes-256-gcm');
    far.use([speech.listener, other.listener]);
    const [first, second] = far.server.listeners;
    expect(first!.port).toBe(far.port);
    expect(await hello(second!, target.endpoint, other)).toBe('echo hello');
    far.use([{ ...other.listener, listen: `127.0.0.1:${second!.port}` }]);
    expect(await hello(second!, target.endpoint, other)).toBe('echo hello');
    expect(await visit(far, speech).socket.catch(({ code }: { code: string }) => code)).toBe('ECONNREFUSED');
  });

  test('that wants a port which is taken changes nothing', async () => {
    using target = serveEcho();
    using far = farEnd(speech);
    using taken = serveEcho();
    const there = { ...OTHER, listen: `127.0.0.1:${taken.endpoint.port}` };
    expect(() => far.use([OTHER, there], { 'allow-private': false })).toThrow(ListenError);
    // Also of what had to be closed to try.
    expect(() => far.use([there])).toThrow(ListenError);
    expect(await hello({ port: far.server.listeners[0]!.port }, target.endpoint)).toBe('echo hello');
  });
});

describeNeeding(['openssl'], 'another configuration of the TLS tunnel', () => {
  test('has another certificate, or another token and the same certificate', async () => {
    await using before = await createCertificates();
    await using after = await createCertificates();
    using target = serveEcho();
    const [old, renewed] = [tlsTunnel(before), tlsTunnel(after)];
    using far = farEnd(old);
    using relay = through(far, target.endpoint, old);
    const client = await underWay(relay, 'one');
    const here = { listen: `127.0.0.1:${far.port}` };
    far.use([{ ...renewed.listener, ...here }]);
    expect(await hello(far, target.endpoint, renewed)).toBe('echo hello');
    expect(await hello(far, target.endpoint, old)).not.toBe('echo hello');
    far.use([{ ...renewed.listener, ...here, token: 'other' }]);
    expect(await hello(far, target.endpoint, renewed, 'other')).toBe('echo hello');
    expect(await hello(far, target.endpoint, renewed)).toBe('silence');
    (await client.socket).write('two');
    await eventually('another answer', () => client.text === 'echo oneecho two');
  });
});
