/** At which server of a chain something went wrong, and whose silence it may be. */
import { describe, expect, test } from 'bun:test';
import { causeAt, HopError, hopOf } from '../../../src/net/hop.ts';
import { SessionError, type Handshake, type Session, type Tunnel } from '../../../src/net/session.ts';
import { TlsError } from '../../../src/net/tls_failure.ts';
import { explain } from '../../../src/base/errors.ts';
import { chain } from '../../../src/upstream/chain.ts';
import { tunnelAt } from '../../../src/upstream/chain/hop.ts';
import { Client } from '../conformance/client.ts';
import { spoken } from '../spoken.ts';

const ascii = (text: string) => Buffer.from(text, 'latin1');

/** Is answered with `.`, or refuses as the far end says: `5`, or `A` for credentials. */
function question(): Handshake {
  return {
    begin: (out) => out.append(ascii('?')),
    receive(wire, from, to, _, rest) {
      const answer = String.fromCharCode(wire.bytes[from]!);
      if (answer === '5') throw new SessionError('ERR_TARGET_REFUSED', 'replies 5');
      if (answer === 'A') throw new SessionError('ERR_PROXY_AUTH', 'credentials', { hint: 'check them' });
      rest.append(wire.bytes.subarray(from + 1, to));
      return true;
    },
    end() {
      throw new SessionError('ERR_PROXY_CLOSED', 'closed instead of an answer');
    },
  };
}

/** Takes bytes as they are, but for `!`. */
function trusting(): Session {
  return {
    isOnTrust: true,
    seal: (plain, from, to, out) => out.append(plain.bytes.subarray(from, to)),
    open(wire, from, to, out) {
      const bytes = wire.bytes.subarray(from, to);
      if (bytes.includes(0x21)) throw new SessionError('ERR_AEAD', 'a !');
      out.append(bytes);
    },
    openEnd() {
      throw new SessionError('ERR_TRUNCATED', 'cut');
    },
    dispose() {},
  };
}

const asks = (hop: string): Tunnel => tunnelAt(hop, { handshake: question() });
const trusts = (hop: string): Tunnel => tunnelAt(hop, { session: trusting() });
const refusal = (tunnel: Tunnel, ...answers: string[]) => spoken(tunnel.handshake!, answers.map(ascii)).error;

describe('who is waited for', () => {
  test('the outer one, then the inner one', () => {
    const tunnel = chain(asks('outer'), asks('inner'));
    const client = new Client(tunnel, true);
    client.begin();
    expect(tunnel.handshake!.hop).toBe('outer');
    client.receive(ascii('.'));
    expect(tunnel.handshake!.hop).toBe('inner');
  });

  test('of three, each in its turn', () => {
    const tunnel = chain(chain(asks('a'), asks('b')), asks('c'));
    const client = new Client(tunnel, true);
    client.begin();
    const seen = ['.', '.'].map((answer) => {
      const { hop } = tunnel.handshake!;
      client.receive(ascii(answer));
      return hop;
    });
    expect([...seen, tunnel.handshake!.hop]).toEqual(['a', 'b', 'c']);
  });

  test('the outer one, too, as long as it is on trust', () => {
    const tunnel = chain(trusts('outer'), asks('inner'));
    const client = new Client(tunnel, true);
    client.begin();
    expect(tunnel.handshake!.hop).toBe('outer or inner');
    expect(() => tunnel.handshake!.end()).toThrow('cut');
  });

  test('of two on trust both, until something has come through the first', () => {
    const { session } = chain(trusts('outer'), trusts('inner'));
    expect(session!.hop).toBe('outer or inner');
    const client = new Client({ session }, true);
    client.receive(ascii('x'));
    expect(session!.hop).toBe('inner');
  });

  test('nobody, where there is no chain', () => {
    const { handshake } = chain({ handshake: question() }, { handshake: question() });
    expect(handshake!.hop).toBeUndefined();
  });
});

describe('where it went wrong', () => {
  test('is the server that says so', () => {
    const outer = refusal(chain(asks('outer'), asks('inner')), 'A');
    const inner = refusal(chain(asks('outer'), asks('inner')), '.', 'A');
    expect(
      [outer, inner].map((error) => [hopOf(error), error?.message, (error as SessionError).hint]),
    ).toEqual([
      ['outer', 'outer: credentials', 'check them'],
      ['inner', 'inner: credentials', 'check them'],
    ]);
  });

  test('is the server that another can not reach, and is a target only at the end', () => {
    const between = refusal(chain(chain(asks('a'), asks('b')), asks('c')), '.', '5') as SessionError;
    expect([between.status, between.hop, between.message]).toEqual([
      'ERR_DIAL_REFUSED',
      'c',
      'c: not reached: b: replies 5',
    ]);
    const last = refusal(chain(asks('a'), asks('b')), '.', '5') as SessionError;
    expect([last.status, last.message]).toEqual(['ERR_TARGET_REFUSED', 'b: replies 5']);
  });

  test('is the session that does not understand', () => {
    const client = () => new Client({ session: chain(trusts('outer'), trusts('inner')).session }, true);
    expect(() => client().receive(ascii('!'))).toThrow('outer: a !');
    expect(() => chain(asks('outer'), trusts('inner')).session!.openEnd()).toThrow('inner: cut');
  });
});

describe('causeAt', () => {
  test('names the server of what is no session, with its words and its hint', () => {
    const untrusted = new TlsError('ERR_TLS_CERTIFICATE', 'signed by nobody', { hint: 'pin it' });
    const error = causeAt('https h:1', 'ERR_TLS_CERTIFICATE', untrusted) as HopError;
    expect([error.status, error.hint, explain(error)]).toEqual([
      'ERR_TLS_CERTIFICATE',
      'pin it',
      'https h:1: signed by nobody',
    ]);
  });

  test('names the server of what there is nothing to say of', () => {
    expect(explain(causeAt('https h:1', 'ERR_DIAL_TIMEOUT', undefined))).toBe('at https h:1');
  });

  test('leaves alone what is named, what is no chain, and faults of ours', () => {
    const named = new HopError('ERR_DIAL', 'a', undefined);
    const fault = new Error('ours');
    expect(causeAt('b', 'ERR_DIAL', named)).toBe(named);
    expect(causeAt(undefined, 'ERR_DIAL', fault)).toBe(fault);
    expect(causeAt('b', 'ERR_INTERNAL', fault)).toBe(fault);
  });
});
