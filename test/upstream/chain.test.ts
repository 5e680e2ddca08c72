/** What the conformance suite doesn't see of a chain: who is asked what, what goes wrong inside, and in which order. */
import { describe, expect, test } from 'bun:test';
import type { Span } from '../../ffi/memory.ts';
import {
  Outbox,
  PIECE,
  SessionError,
  type Handshake,
  type Session,
  type Tunnel,
} from '../../src/net/session.ts';
import type { Target } from '../../src/net/target.ts';
import { chain } from '../../src/upstream/chain.ts';
import { httpTunnels } from '../../src/upstream/http/connect.ts';
import { ClientSession } from '../../src/upstream/shadowsocks/client_session.ts';
import { ServerSession } from '../../src/upstream/shadowsocks/server_session.ts';
import { socks5Tunnels } from '../../src/upstream/socks5/connect.ts';
import { Client } from './conformance/client.ts';
import { sessionServer } from './conformance/session_server.ts';
import { METHODS, pinned, suiteOf } from './shadowsocks/ends.ts';
import { closedAfter, spoken } from './spoken.ts';

const target: Target = { name: 'origin.example', port: 80 };
const suite = suiteOf(METHODS.find(({ name }) => name === 'aes-256-gcm')!);
const ascii = (text: string) => Buffer.from(text, 'latin1');
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

const http = (): Tunnel => httpTunnels(undefined)(target);
const socks5 = (): Tunnel => socks5Tunnels(undefined)(target);
const shadowsocks = (): Tunnel => ({ session: new ClientSession(suite, target) });

/** A protocol that can be read: its header, then `<bytes>` a call; opens by taking those brackets off. */
class Brackets implements Session {
  disposed = 0;
  ends = 0;
  isPlain = false;
  isOnTrust = false;
  readonly #marks: string;
  #hasBegun = false;

  /** @param marks two characters */
  constructor(marks: string) {
    this.#marks = marks;
  }

  seal(plain: Span, from: number, to: number, out: Outbox): void {
    if (this.#hasBegun && from === to) return;
    this.#hasBegun = true;
    this.#put(this.#marks[0]!, out);
    out.append(plain.bytes.subarray(from, to));
    this.#put(this.#marks[1]!, out);
  }

  open(wire: Span, from: number, to: number, out: Outbox): void {
    for (const byte of wire.bytes.subarray(from, to)) {
      const character = String.fromCharCode(byte);
      if (character === '!') throw new SessionError('ERR_AEAD', `${this.#marks} found a !`);
      if (!this.#marks.includes(character)) this.#put(character, out);
    }
  }

  openEnd(): void {
    this.ends++;
  }

  dispose(): void {
    this.disposed++;
  }

  #put(character: string, out: Outbox): void {
    out.append(ascii(character));
  }
}

/** Says `name?`, wants one byte `.` in answer, and refuses anything else. */
class Question implements Handshake {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  begin(out: Outbox): void {
    out.append(ascii(`${this.#name}?`));
  }

  receive(wire: Span, from: number, to: number, _: Outbox, rest: Outbox): boolean {
    if (from === to) return false;
    if (wire.bytes[from] !== 0x2e) throw new SessionError('ERR_PROXY_FAILED', `${this.#name} is refused`);
    rest.append(wire.bytes.subarray(from + 1, to));
    return true;
  }

  end(): never {
    throw new SessionError('ERR_PROXY_CLOSED', `${this.#name} is not answered`);
  }
}

describe('the shape of a chain', () => {
  test('nothing in, or around, something is that thing', () => {
    const one = http();
    expect(chain(one, {})).toBe(one);
    expect(chain({}, one)).toBe(one);
    expect(chain({}, {})).toEqual({});
  });

  test.each([
    ['handshakes alone', http(), socks5(), [true, false]],
    ['sessions alone', shadowsocks(), shadowsocks(), [false, true]],
    ['a handshake around a session', http(), shadowsocks(), [true, true]],
    ['a session around a handshake', shadowsocks(), http(), [true, true]],
  ])('%s', (_, outer, inner, has) => {
    const { handshake, session } = chain(outer, inner);
    expect([handshake !== undefined, session !== undefined]).toEqual(has);
  });

  test('who is on trust: the innermost, unless it has been answered', () => {
    const trusted = (tunnel: Tunnel) => tunnel.session?.isOnTrust === true;
    expect(trusted(chain(shadowsocks(), http()))).toBe(false);
    expect(trusted(chain(http(), shadowsocks()))).toBe(true);
    expect(trusted(chain(shadowsocks(), shadowsocks()))).toBe(true);
    expect(trusted(chain(shadowsocks(), chain(http(), shadowsocks())))).toBe(true);
    expect(trusted(chain(chain(shadowsocks(), http()), socks5()))).toBe(false);
  });
});

describe('who says what', () => {
  test('the outer handshake first, the inner one through the outer session', () => {
    const outer = { handshake: new Question('outer'), session: new Brackets('()') };
    const inner = { handshake: new Question('inner'), session: new Brackets('[]') };
    const client = new Client(chain(outer, inner), true);
    expect(textOf(client.begin())).toBe('outer?');
    expect(textOf(client.receive(ascii('.')))).toBe('(inner?)');
    expect(client.isOpen).toBe(false);
    expect(textOf(client.receive(ascii('(.')))).toBe('');
    expect(client.isOpen).toBe(true);
    expect(textOf(client.send(ascii('hello')))).toBe('([hello])');
    client.receive(ascii('[wor](ld])'));
    expect(textOf(client.takeReceived())).toBe('world');
  });

  test.each([
    ['(a > b) > c', (a: Tunnel, b: Tunnel, c: Tunnel) => chain(chain(a, b), c)],
    ['a > (b > c)', (a: Tunnel, b: Tunnel, c: Tunnel) => chain(a, chain(b, c))],
  ])('three of them: %s', (_, both) => {
    const [a, b, c] = ['()', '[]', '{}'].map((marks) => ({
      handshake: new Question(marks),
      session: new Brackets(marks),
    }));
    const client = new Client(both(a!, b!, c!), true);
    expect(textOf(client.begin())).toBe('()?');
    expect(textOf(client.receive(ascii('.')))).toBe('([]?)');
    expect(textOf(client.receive(ascii('.')))).toBe('([{}?])');
    expect(textOf(client.receive(ascii('([.tail])')))).toBe('');
    expect(client.isOpen).toBe(true);
    expect(textOf(client.takeReceived())).toBe('tail');
    expect(textOf(client.send(ascii('hello')))).toBe('([{hello}])');
    client.dispose();
    expect([a, b, c].map((each) => each!.session.disposed)).toEqual([1, 1, 1]);
  });

  test('an inner header alone, and an outer one where the inner session has none to send', () => {
    const nested = new Client(chain({ session: new Brackets('()') }, { session: new Brackets('[]') }), true);
    expect(textOf(nested.send(new Uint8Array(0)))).toBe('([])');
    expect(textOf(nested.send(new Uint8Array(0)))).toBe('');
    const plain = new Brackets('[]');
    plain.seal = (bytes, from, to, out) => out.append(bytes.bytes.subarray(from, to));
    const headless = new Client(chain({ session: new Brackets('()') }, { session: plain }), true);
    expect(textOf(headless.send(new Uint8Array(0)))).toBe('()');
    const silent: Handshake = new Question('');
    silent.begin = () => {};
    const waiting = new Client(chain({ session: new Brackets('()') }, { handshake: silent }), true);
    expect(textOf(waiting.begin())).toBe('()');
  });

  test('an end is told to both sessions, to the outer one first within the inner handshake', () => {
    const [outer, inner] = [new Brackets('()'), new Brackets('[]')];
    chain({ session: outer }, { session: inner }).session!.openEnd();
    expect([outer.ends, inner.ends]).toEqual([1, 1]);
    const { handshake } = chain({ session: outer }, { handshake: new Question('inner') });
    expect(closedAfter(handshake!, []).message).toBe('inner is not answered');
    expect(outer.ends).toBe(2);
    const first = chain({ handshake: new Question('outer') }, { handshake: new Question('inner') });
    expect(closedAfter(first.handshake!, []).message).toBe('outer is not answered');
  });
});

describe('a session that has become plain', () => {
  const [outer, inner] = [new Brackets('()'), new Brackets('[]')];
  const { session } = chain({ session: outer }, { session: inner });
  const client = new Client({ session }, false);
  const exchange = () => {
    const sent = textOf(client.send(ascii('x')));
    client.receive(ascii('([x])'));
    return [session!.isPlain, sent, textOf(client.takeReceived())];
  };

  test('is left out of the way; the chain is plain when both are', () => {
    expect(exchange()).toEqual([false, '([x])', 'x']);
    inner.isPlain = true;
    expect(exchange()).toEqual([false, '(x)', '[x]']);
    [inner.isPlain, outer.isPlain] = [false, true];
    expect(exchange()).toEqual([false, '[x]', '(x)']);
    inner.isPlain = true;
    expect(session!.isPlain).toBe(true);
  });

  test('an outer one alone, once a handshake was spoken through it', () => {
    const plain = new Brackets('()');
    const tunnel = chain({ session: plain }, { handshake: new Question('inner') });
    expect(tunnel.session!.isPlain).toBe(false);
    plain.isPlain = true;
    expect(tunnel.session!.isPlain).toBe(true);
  });
});

describe('what goes wrong', () => {
  const answers = (tunnel: Tunnel, ...all: string[]) => spoken(tunnel.handshake!, all.map(ascii));
  const asking = (): Tunnel => chain({ session: new Brackets('()') }, { handshake: new Question('inner') });

  test('what came before a bad record is good', () => {
    const nested = chain({ session: new Brackets('()') }, { session: new Brackets('[]') });
    const client = new Client(nested, true);
    expect(() => client.receive(ascii('([good])!([bad])'))).toThrow('() found a !');
    expect(textOf(client.takeReceived())).toBe('good');
  });

  test('what was wrong first is told, however the bytes are cut', () => {
    // The outer session fails at the end of a piece in which the inner protocol is refused.
    expect(answers(asking(), '(X!').error?.message).toBe('inner is refused');
    expect(answers(asking(), '(X', '!').error?.message).toBe('inner is refused');
    expect(answers(asking(), '(!').error?.message).toBe('() found a !');
    expect(answers(asking(), '(.', '!').error?.message).toBe(undefined);
    const inside = chain({ handshake: new Question('outer') }, { session: new Brackets('[]') });
    expect(answers(inside, '.a!').error?.message).toBe('[] found a !');
  });

  test('of the inner end, with the status that it has alone', () => {
    const throughShadowsocks = (answer: string) => {
      const server = sessionServer(new ServerSession(suite));
      const client = new Client(chain(shadowsocks(), http()), true);
      expect(textOf(server.take(client.begin()).plain)).toStartWith('CONNECT origin.example:80 HTTP/1.1\r\n');
      client.receive(server.send(ascii(answer)));
    };
    expect(() => throughShadowsocks('HTTP/1.1 403 No\r\n\r\n')).toThrow('the HTTP proxy answers 403 No');
    expect(() => throughShadowsocks(`HTTP/1.1 200 ${'x'.repeat(100_000)}`)).toThrow(
      'header of more than 16384 bytes',
    );
    expect(() => throughShadowsocks('SSH-2.0')).toThrow('not HTTP/1');
  });

  test.each([
    ['HTTP/1.1 502 Bad Gateway', 'ERR_DIAL_UNREACHABLE'],
    ['HTTP/1.1 504 Gateway Timeout', 'ERR_DIAL_TIMEOUT'],
    ['HTTP/1.1 403 Forbidden', 'ERR_DIAL'],
    ['HTTP/1.1 418 Teapot', 'ERR_DIAL'],
    ['HTTP/1.1 407 Proxy Authentication Required', 'ERR_PROXY_AUTH'],
  ])('what the outer end says of its target is said of a server: %s', (line, status) => {
    const refused = answers(chain(http(), socks5()), `${line}\r\n\r\n`).error;
    expect(refused).toMatchObject({ status, message: expect.stringContaining(line.slice(9)) });
    const nested = answers(
      chain(chain(http(), socks5()), socks5()),
      'HTTP/1.1 200 OK\r\n\r\n',
      '\x05\x00',
      '\x05\x05',
    ).error;
    expect(nested?.status).toBe('ERR_DIAL_REFUSED');
    const inner = answers(chain(http(), socks5()), 'HTTP/1.1 200 OK\r\n\r\n', '\x05\x00', '\x05\x05').error;
    expect(inner?.status).toBe('ERR_TARGET_REFUSED');
  });

  test('scratch space survives it', () => {
    for (let i = 0; i < 5; i++) expect(answers(asking(), '(X!').error).toBeInstanceOf(SessionError);
    expect(textOf(answers(asking(), '(.rest)').rest)).toBe('rest');
  });
});

test('no call of a session or a handshake gets more than a piece, however much an inner one has made', () => {
  const sizes: number[] = [];
  const measuring = (grows: number): Session => ({
    seal(plain, from, to, out) {
      sizes.push(to - from);
      out.append(plain.bytes.subarray(from, to));
      out.append(new Uint8Array(grows));
    },
    open(wire, from, to, out) {
      sizes.push(to - from);
      out.append(wire.bytes.subarray(from, to));
      out.append(new Uint8Array(grows));
    },
    openEnd() {},
    dispose() {},
  });
  const handshake: Handshake = {
    begin(out) {
      out.append(new Uint8Array(PIECE + 9));
    },
    receive(_, from, to) {
      sizes.push(to - from);
      return false;
    },
    end() {
      throw new SessionError('ERR_PROXY_CLOSED', '');
    },
  };
  const input = pinned(new Uint8Array(PIECE));
  const [out, rest] = [new Outbox(), new Outbox()];
  const nested = chain({ session: measuring(0) }, { session: measuring(60_000) }).session!;
  nested.seal(input, 0, PIECE, out);
  expect([out.end, sizes.splice(0)]).toEqual([PIECE + 60_000, [PIECE, PIECE, 60_000]]);
  out.end = 0;
  const reversed = chain({ session: measuring(60_000) }, { session: measuring(0) }).session!;
  reversed.open(input, 0, PIECE, out);
  expect([out.end, sizes.splice(0)]).toEqual([PIECE + 60_000, [PIECE, PIECE, 60_000]]);
  out.end = 0;
  const asked = chain({ session: measuring(60_000) }, { handshake }).handshake!;
  asked.begin(out);
  expect(sizes.splice(0)).toEqual([PIECE, 9]);
  out.end = 0;
  asked.receive(input, 0, PIECE, out, rest);
  expect(sizes.splice(0)).toEqual([PIECE, PIECE, 60_000]);
  // What is behind a last answer in one piece, and all of the next, is the tunnel's.
  input.bytes[0] = 0x2e;
  const answered = chain({ session: measuring(60_000) }, { handshake: new Question('inner') }).handshake!;
  expect(answered.receive(input, 0, PIECE, out, rest)).toBe(true);
  expect(rest.end).toBe(PIECE - 1 + 60_000);
});
