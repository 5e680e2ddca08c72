/** A server of old Shadowsocks (https://shadowsocks.org/doc/stream.html), which we are the client of only. */
import type { Secret } from '../../../src/base/secret.ts';
import type { StreamMethod } from '../../../src/config/config.ts';
import { parseTarget, type Target } from '../../../src/net/target.ts';
import { masterKey } from '../../../src/upstream/shadowsocks/key.ts';
import { decryptor, encryptor, type StreamCipher } from '../../../src/upstream/shadowsocks/stream/cipher.ts';
import { STREAM_SIZES } from '../../../src/upstream/shadowsocks/stream/methods.ts';
import { NOTHING, type FarEnd } from './far_end.ts';

export function streamServer(method: StreamMethod, password: Secret): FarEnd {
  const { keySize, ivSize } = STREAM_SIZES[method];
  const key = masterKey(password.reveal(), keySize);
  let target: Target | undefined;
  /** Of the IV, until that is whole; then of the target. */
  let held: Uint8Array = NOTHING;
  let open: StreamCipher | undefined;
  let seal: StreamCipher | undefined;

  /** What the client's bytes are in plain, without the IV. */
  function opened(wire: Uint8Array): Uint8Array {
    if (open) return Buffer.from(open(wire));
    const all = Buffer.concat([held, wire]);
    if (all.length < ivSize) {
      held = all;
      return NOTHING;
    }
    held = NOTHING;
    open = decryptor(method, key, all.subarray(0, ivSize));
    return Buffer.from(open(all.subarray(ivSize)));
  }

  return {
    get target() {
      return target;
    },
    take(wire) {
      let plain = opened(wire);
      if (open && !target) {
        held = Buffer.concat([held, plain]);
        const parsed = parseTarget(held);
        target = parsed?.target;
        plain = parsed ? held.subarray(parsed.size) : NOTHING;
      }
      return { answer: NOTHING, plain };
    },
    takeEnd() {
      if (!target) throw new Error('an end within the IV or the target');
    },
    send(plain) {
      if (seal) return Buffer.from(seal(plain));
      const iv = crypto.getRandomValues(new Uint8Array(ivSize));
      seal = encryptor(method, key, iv);
      return Buffer.concat([iv, seal(plain)]);
    },
    dispose: () => {},
  };
}
