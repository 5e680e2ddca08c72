/** Shadowsocks AEAD over TCP (SIP004, SIP007): what a direction starts with. */
import type { Outbox } from '../../net/session.ts';
import { encodeTarget, parseTarget, type Target } from '../../net/target.ts';
import { subkey } from './key.ts';
import type { Method2017 } from './methods.ts';
import type { OpenerStart } from './opener.ts';
import type { SealerStart } from './sealer.ts';
import type { ServerStart, Suite, SuiteParts } from './suite.ts';

interface Parts extends SuiteParts {
  readonly method: Method2017;
  readonly masterKey: Uint8Array;
}

export function createSuite2017(parts: Parts): Suite {
  return {
    aead: parts.aead,
    recordLimit: parts.method.recordLimit,
    client: (target) => new Client2017(parts, target),
    server: () => new Server2017(parts),
  };
}

/** Both ends alike: a salt, and the first head is a length as all others. */
class Start2017 implements SealerStart, OpenerStart {
  readonly headSize = 2;
  protected readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  get prefaceSize(): number {
    return this.parts.method.saltSize;
  }

  salt(out: Outbox): Uint8Array {
    const at = out.take(this.prefaceSize);
    const salt = out.bytes.subarray(at, out.end);
    this.parts.fillRandom(salt);
    return this.keyOf(salt);
  }

  keyOf(salt: Uint8Array): Uint8Array {
    return subkey(this.parts.masterKey, salt);
  }
}

class Client2017 extends Start2017 {
  readonly #address: Uint8Array;

  constructor(parts: Parts, target: Target) {
    super(parts);
    this.#address = encodeTarget(target);
  }

  prefix(into: Uint8Array): number {
    into.set(this.#address);
    return this.#address.length;
  }
}

class Server2017 extends Start2017 implements ServerStart {
  target: Target | undefined;
  readonly user = undefined;
  /** The beginning of a target that came split over records, at most 258 bytes. */
  #partial: Uint8Array | undefined;

  /**
   * Our own salts are remembered as well: both directions look alike, so that an answer of ours could be played back to us
   * as a request, whose target is the beginning of what some site has answered (outline-ss-server, service/PROBES.md).
   */
  override salt(out: Outbox): Uint8Array {
    const at = out.end;
    const key = super.salt(out);
    this.parts.admit(out.bytes.subarray(at, out.end));
    return key;
  }

  check(_head: Uint8Array, salt: Uint8Array): void {
    this.parts.admit(salt);
  }

  strip(out: Outbox, start: number): boolean {
    const fresh = out.bytes.subarray(start, out.end);
    const before = this.#partial?.length ?? 0;
    const all = this.#partial ? Buffer.concat([this.#partial, fresh]) : fresh;
    const parsed = parseTarget(all);
    if (!parsed) {
      this.#partial = new Uint8Array(all);
      out.end = start;
      return false;
    }
    this.target = parsed.target;
    this.#partial = undefined;
    out.bytes.copyWithin(start, start + parsed.size - before, out.end);
    out.end -= parsed.size - before;
    return true;
  }
}
