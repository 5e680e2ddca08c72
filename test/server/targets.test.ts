/** Where clients are connected to and where not, by address and by name. */
import { describe, expect, test } from 'bun:test';
import type { Lookup } from '../../src/app/server/names.ts';
import { parseAddress, type Address } from '../../src/net/address.ts';
import type { Target } from '../../src/net/target.ts';
import { eventually } from '../lab/eventually.ts';
import { Client, serveEcho } from '../relay/harness.ts';
import { farEnd, shadowsocks, through, type Stage, type StageOptions } from './stage.ts';

const speech = shadowsocks('aes-256-gcm');
const REFUSED = { 'allow-private': false };

const address = (text: string): Address => parseAddress(text)!;
/** A resolver that knows one name. */
const answers =
  (...addresses: readonly string[]): Lookup =>
  (name) =>
    name === 'origin.example'
      ? Promise.resolve(addresses.map(address))
      : Promise.reject(new Error(`nobody knows ${name}`));

/** How a connection to `target` ends, and what is said of it. */
async function outcome(target: Target, options: StageOptions): Promise<{ end: string; far: Stage }> {
  using far = farEnd(speech, options);
  using relay = through(far, target, speech);
  const client = new Client(relay.port, (socket) => socket.shutdown());
  (await client.socket).write('hello');
  const end = await client.end;
  await eventually('an end', () => Object.keys(far.ended()).length > 0);
  return { end: `${end} ${client.text}`.trim(), far };
}

describe('a target', () => {
  test.each([
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '64:ff9b::127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '0.0.0.0',
  ])('%s is refused with a reset, and the log says why', async (text) => {
    const target = { address: address(text), port: 80 };
    const { end, far } = await outcome(target, { server: REFUSED });
    expect(end).toBe('ECONNRESET');
    expect(far.ended()).toEqual({ ERR_FORBIDDEN: 1 });
    expect(far.warnings.join()).toMatch(
      /refused a target status=ERR_FORBIDDEN user=.* reason=".*a private, local or special address"/,
    );
  });

  test.each(['127.0.0.1', '::ffff:10.0.0.1', '192.168.0.1 fd00::1'])(
    'whose name turns out to be %s is refused',
    async (text) => {
      const addresses = text.split(' ');
      const target = { name: 'origin.example', port: 80 };
      const { end, far } = await outcome(target, { server: REFUSED, lookup: answers(...addresses) });
      expect(end).toBe('ECONNRESET');
      expect(far.ended()).toEqual({ ERR_FORBIDDEN: 1 });
    },
  );

  test.each(['localhost', '127.1', '0x7f000001', '2130706433'])(
    'called %s is judged as the address that the system takes it for',
    async (name) => {
      const { far } = await outcome({ name, port: 80 }, { server: REFUSED });
      expect(far.ended()).toEqual({ ERR_FORBIDDEN: 1 });
    },
  );

  test('on a port that nobody may go to is refused before its name is looked up', async () => {
    const asked: string[] = [];
    const lookup: Lookup = (name) => {
      asked.push(name);
      return answers('127.0.0.1')(name);
    };
    const { end, far } = await outcome({ name: 'origin.example', port: 25 }, { lookup });
    expect(end).toBe('ECONNRESET');
    expect(far.warnings.join()).toInclude('reason="nobody may go to this port"');
    expect(asked).toEqual([]);
  });

  test('is refused outside of the ports that are named', async () => {
    using target = serveEcho();
    const options = { server: { ports: '80,443,1000-1023' } };
    expect((await outcome(target.endpoint, options)).end).toBe('ECONNRESET');
    expect((await outcome(target.endpoint, {})).end).toBe('FIN echo hello');
  });

  test('that is the far end itself is refused, whatever is allowed', async () => {
    using far = farEnd(speech);
    for (const text of ['127.0.0.1', '127.0.0.2', '::ffff:127.0.0.1']) {
      using relay = through(far, { address: address(text), port: far.port }, speech);
      const client = new Client(relay.port);
      (await client.socket).write('hello');
      expect(await client.end).toBe('ECONNRESET');
    }
    await far.endedWith('ERR_FORBIDDEN', 3);
    expect(far.warnings.join()).toInclude('this server itself');
  });

  test('is reached at the next address when one leads nowhere', async () => {
    using target = serveEcho();
    const { port } = target.endpoint;
    // A port that nobody listens on, of the same machine.
    const options = { lookup: answers('127.0.0.9', '::1', '127.0.0.1') };
    const { end, far } = await outcome({ name: 'origin.example', port }, options);
    expect(end).toBe('FIN echo hello');
    expect(far.ended()).toEqual({ OK: 1 });
  });

  test('whose name nobody knows resets the client', async () => {
    const { end, far } = await outcome({ name: 'nowhere.example', port: 80 }, { lookup: answers() });
    expect(end).toBe('ECONNRESET');
    expect(far.ended()).toEqual({ ERR_DIAL_NO_ADDRESS: 1 });
  });

  test('whose name is not resolved in time resets the client', async () => {
    const { promise } = Promise.withResolvers<readonly Address[]>();
    const options = { lookup: () => promise, timeouts: { dial: 100 } };
    const { end, far } = await outcome({ name: 'slow.example', port: 80 }, options);
    expect(end).toBe('ECONNRESET');
    expect(far.ended()).toEqual({ ERR_DIAL_TIMEOUT: 1 });
  });

  test('whose name is resolved when the client has gone is not connected to', async () => {
    let connections = 0;
    const { promise, resolve } = Promise.withResolvers<readonly Address[]>();
    using target = serveEcho(() => void connections++);
    using far = farEnd(speech, { lookup: () => promise });
    using relay = through(far, { name: 'slow.example', port: target.endpoint.port }, speech);
    const client = new Client(relay.port);
    const socket = await client.socket;
    socket.write('hello');
    await eventually('the look-up', () => far.server.status().open.joined === 1);
    socket.terminate();
    await far.endedWith('CLIENT_RESET');
    resolve([address('127.0.0.1')]);
    await Bun.sleep(50);
    expect(connections).toBe(0);
  });
});
