/**
 * A program of its own for soak.test.ts, which runs it under a collector that never rests and scribbles over what it
 * frees. `soak.ts CALLS CONNECTIONS`: seals and opens records that node:crypto checks, then whole connections; prints
 * one line of JSON; throws at the first wrong byte.
 */
import { createCipheriv } from 'node:crypto';
import { lend, Pinned } from '../../../ffi/memory.ts';
import { Outbox } from '../../../src/net/session.ts';
import type { Aead } from '../../../src/upstream/shadowsocks/aead.ts';
import { ClientSession } from '../../../src/upstream/shadowsocks/client_session.ts';
import { createSuite2017 } from '../../../src/upstream/shadowsocks/edition_2017.ts';
import { createSuite2022 } from '../../../src/upstream/shadowsocks/edition_2022.ts';
import { libcryptoAead } from '../../../src/upstream/shadowsocks/libcrypto.ts';
import { CIPHERS, METHODS, TAG_SIZE, type CipherName } from '../../../src/upstream/shadowsocks/methods.ts';
import { nobleAead } from '../../../src/upstream/shadowsocks/noble.ts';
import { ServerSession } from '../../../src/upstream/shadowsocks/server_session.ts';

const [calls, connections] = process.argv.slice(-2).map(Number) as [number, number];

/** What C writes lies between margins of this byte. */
const CANARY = 0xa5;
const MARGIN = 32;

function guarded(size: number): Pinned {
  const span = new Pinned(MARGIN + size + MARGIN);
  span.bytes.fill(CANARY);
  return span;
}

function checkMargins(span: Pinned): void {
  const { bytes } = span;
  for (let i = 0; i < MARGIN; i++) {
    if (bytes[i] !== CANARY || bytes[bytes.length - 1 - i] !== CANARY)
      throw new Error('C wrote beside its record');
  }
}

/** libcrypto's `int *outl`: of what is pinned for ever, the cells of four bytes. */
const pinned = (globalThis as Record<symbol, unknown>)[Symbol.for('snet.ffi.pinned')] as readonly Pinned[];
const cells = () => pinned.filter(({ bytes }) => bytes.length === 4);

/** The last call for a record has written 0; something else is not ours, nor may we have been writing there. */
function checkLengthCell(): void {
  const lengths = cells().map(({ bytes }) => new Int32Array(bytes.buffer)[0]);
  if (lengths.join() !== '0') throw new Error(`the cell of lengths holds ${lengths.join() || 'nothing'}`);
}

/** Short-lived objects of the sizes that a freed length cell or a moved array would be reused for. */
function litter(i: number): unknown {
  return [
    new Uint8Array(4 + (i % 60)),
    { i },
    new Int32Array(1),
    // Code made at run time brings the engine's own small tables.
    // oxlint-disable-next-line no-implied-eval
    new Function('a', `return [a >> 8, a & ${i}]`)(i),
  ];
}

function libcrypto(name: CipherName): Aead {
  const offer = libcryptoAead(CIPHERS[name]);
  if ('unavailable' in offer) throw new Error(offer.unavailable);
  return offer.aead;
}

function records(): void {
  const gcm = libcrypto('aes-256-gcm');
  const others = (['chacha20-ietf-poly1305', 'xchacha20-ietf-poly1305'] as const).map((name) => ({
    aead: libcrypto(name),
    noble: nobleAead(CIPHERS[name]),
  }));
  const keys = Array.from({ length: 5 }, (_, i) => crypto.getRandomValues(new Uint8Array(32)).fill(i, 0, 1));
  const [sealed, opened, reference] = [guarded(4096 + TAG_SIZE), guarded(4096), new Pinned(4096 + TAG_SIZE)];
  for (let i = 0; i < calls; i++) {
    const size = i % 7 === 0 ? (i * 13) % 4096 : i % 64;
    const key = keys[(i >> 2) % keys.length]!;
    // Ordinary arrays, as a socket gives them; small ones are copied by the loan, large ones are read in place.
    const plain = new Uint8Array(size + 1).fill(i);
    lend(plain, (span) => gcm.seal(key, i, span, 0, size, sealed, MARGIN));
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32LE(i);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    const want = Buffer.concat([cipher.update(plain.subarray(0, size)), cipher.final(), cipher.getAuthTag()]);
    if (want.compare(sealed.bytes, MARGIN, MARGIN + want.length) !== 0)
      throw new Error(`record ${i}: sealed wrong`);
    if (!gcm.open(key, i, sealed, MARGIN, size, opened, MARGIN))
      throw new Error(`record ${i}: does not open`);
    checkLengthCell();
    if (Buffer.compare(opened.bytes.subarray(MARGIN, MARGIN + size), plain.subarray(0, size)) !== 0)
      throw new Error(`record ${i}: opened wrong`);
    if (i % 100 === 0) {
      for (const { aead, noble } of others) {
        aead.seal(key, i, opened, MARGIN, size, sealed, MARGIN);
        noble.seal(key, i, opened, MARGIN, size, reference, 0);
        const end = size + TAG_SIZE;
        if (
          Buffer.compare(sealed.bytes.subarray(MARGIN, MARGIN + end), reference.bytes.subarray(0, end)) !== 0
        )
          throw new Error(`record ${i}: not as noble`);
      }
      litter(i);
      checkMargins(sealed);
      checkMargins(opened);
      sealed.bytes.fill(CANARY);
      opened.bytes.fill(CANARY);
    }
  }
}

/** Short connections, some open at a time, whose bytes come in odd pieces. */
function traffic(): void {
  const method = METHODS['aes-256-gcm'];
  const parts = {
    aead: libcrypto(method.cipher.name),
    fillRandom: (salt: Uint8Array) => crypto.getRandomValues(salt),
    admit: () => {},
  };
  const key = new Uint8Array(32).fill(1);
  const suites = [
    createSuite2017({ ...parts, method, masterKey: key }),
    createSuite2022({ ...parts, method: METHODS['2022-blake3-aes-256-gcm'], keys: [key], now: Date.now }),
  ];
  const [wire, back] = [new Outbox(), new Outbox()];
  for (let i = 0; i < connections; i += 4) {
    const pairs = Array.from({ length: 4 }, (_, n) => ({
      client: new ClientSession(suites[n & 1]!, { name: 'origin.example', port: 80 }),
      server: new ServerSession(suites[n & 1]!),
      plain: new Uint8Array(1 + ((i * 37 + n * 1009) % 5000)).fill(i + n),
      got: [] as Uint8Array[],
    }));
    for (const half of [0, 1]) {
      for (const { client, server, plain, got } of pairs) {
        wire.end = 0;
        back.end = 0;
        const middle = plain.length >> 1;
        lend(plain, (span) => client.seal(span, half ? middle : 0, half ? plain.length : middle, wire));
        const cut = (i * 7) % (wire.end + 1);
        for (const piece of [wire.bytes.slice(0, cut), wire.bytes.slice(cut, wire.end)]) {
          lend(piece, (span) => server.open(span, 0, piece.length, back));
        }
        got.push(back.bytes.slice(0, back.end));
      }
    }
    for (const { client, server, plain, got } of pairs) {
      if (Buffer.compare(Buffer.concat(got), plain) !== 0) throw new Error(`connection ${i}: wrong bytes`);
      server.openEnd();
      client.dispose();
      server.dispose();
    }
    litter(i);
  }
}

records();
traffic();
process.stdout.write(`${JSON.stringify({ calls, connections })}\n`);
