import { expect, test } from 'bun:test';
import { AeadError, type Aead, type Offer } from '../../../src/upstream/shadowsocks/aead.ts';
import { chooseAead, disproof } from '../../../src/upstream/shadowsocks/choose.ts';
import { nobleAead } from '../../../src/upstream/shadowsocks/noble.ts';
import { AEADS, CIPHERS } from './ends.ts';

const gcm = CIPHERS.find(({ name }) => name === 'aes-256-gcm')!;
const chacha = CIPHERS.find(({ name }) => name === 'chacha20-ietf-poly1305')!;
const noble = (): Offer => ({ aead: nobleAead(gcm), detail: '@noble/ciphers' });
const none = (): Offer => ({ unavailable: 'not on this machine' });

/** noble, but for one thing. */
function faulty(fault: (good: Aead) => Partial<Aead>): Aead {
  const good = nobleAead(gcm);
  return { ...good, ...fault(good) };
}

test.each(AEADS.map((each) => [`${each.provider} ${each.cipher.name}`, each] as const))(
  '%s gives the known answers, so they are those of noble',
  (_, { aead, cipher }) => {
    expect(disproof(aead, cipher)).toBeUndefined();
  },
);

test('auto takes the first that is there and right, and says what was wrong with those before it', () => {
  const wrong = faulty((good) => ({
    seal(...call) {
      good.seal(...call);
      call[5].bytes[call[6]]! ^= 1;
    },
  }));
  const offers = { libcrypto: none, node: () => ({ aead: wrong, detail: '' }), noble };
  expect(chooseAead(gcm, 'auto', offers)).toMatchObject({
    provider: 'noble',
    why: '@noble/ciphers; not libcrypto: not on this machine; not node: 0 bytes: wrong tag',
  });
});

test.each([
  ['opens a forgery', faulty((good) => ({ open: (...call) => good.open(...call) || true }))],
  ['its own seal fails', faulty(() => ({ open: () => false }))],
  [
    'not opened to what was sealed',
    faulty((good) => ({
      open(...call) {
        const authentic = good.open(...call);
        if (call[4] > 2) call[5].bytes[call[6] + 1]! ^= 1;
        return authentic;
      },
    })),
  ],
  [
    'wrong tag',
    faulty((good) => ({
      seal(...call) {
        good.seal(...call);
        if (call[4] > 1000) call[5].bytes[call[6] + call[4]]! ^= 0x80;
      },
    })),
  ],
  [
    'out of order',
    faulty(() => ({
      seal() {
        throw new Error('out of order');
      },
    })),
  ],
])('a candidate is dropped: %s', (fault, aead) => {
  expect(disproof(aead, gcm)).toContain(fault);
});

test('one that is forced is taken, or the error says why it can not be', () => {
  expect(chooseAead(gcm, 'noble').provider).toBe('noble');
  expect(chooseAead(gcm, 'node').provider).toBe('node');
  let thrown: unknown;
  try {
    chooseAead(chacha, 'node');
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(AeadError);
  expect(thrown).toMatchObject({
    status: 'ERR_AEAD_UNAVAILABLE',
    message: 'chacha20-ietf-poly1305 by node: not node: node:crypto has no chacha20-ietf-poly1305',
  });
});
