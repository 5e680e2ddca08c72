/**
 * How fast each provider computes each cipher: the ceiling of any Shadowsocks throughput. Run by itself it prints a
 * table: `bun test/bench/aead.ts`.
 */
import { Pinned } from '../../ffi/memory.ts';
import { AeadError, PROVIDERS, type Aead, type Provider } from '../../src/upstream/shadowsocks/aead.ts';
import { chooseAead } from '../../src/upstream/shadowsocks/choose.ts';
import { CIPHERS, TAG_SIZE, type Cipher } from '../../src/upstream/shadowsocks/methods.ts';
import { table } from './table.ts';

/** The size that the comparison is made at; a record's own limit is one byte less. */
const LARGE = 16 * 1024;
const SMALL = 2;
/** Each figure is the best of this many rounds: the machine is not ours alone. */
const ROUNDS = 4;
const ROUND_MS = 20;

export interface AeadRow {
  readonly provider: Provider;
  readonly cipher: string;
  /** 10^6 bytes of plaintext per second, records of 16 KiB. */
  readonly sealMBps: number;
  readonly openMBps: number;
  /** Microseconds for one record of two bytes. */
  readonly sealSmallUs: number;
  readonly openSmallUs: number;
  /** The same for sealing, by a different session each time. */
  readonly rekeyedSmallUs: number;
}

/** One row for each provider and cipher that there is here. About seven seconds. */
export async function measureAead(): Promise<AeadRow[]> {
  const rows: AeadRow[] = [];
  for (const cipher of Object.values(CIPHERS)) {
    for (const provider of PROVIDERS) {
      const aead = available(cipher, provider);
      if (aead) rows.push({ provider, cipher: cipher.name, ...measure(aead, cipher) });
      // Whoever waits for a timer or a socket gets a turn.
      await Bun.sleep(0);
    }
  }
  return rows;
}

function available(cipher: Cipher, provider: Provider): Aead | undefined {
  try {
    return chooseAead(cipher, provider).aead;
  } catch (error) {
    if (error instanceof AeadError) return undefined;
    throw error;
  }
}

function measure(aead: Aead, cipher: Cipher): Omit<AeadRow, 'provider' | 'cipher'> {
  const keys = [1, 2].map((n) => new Uint8Array(cipher.keySize).fill(n));
  const [key] = keys as [Uint8Array];
  const plain = new Pinned(LARGE);
  const sealed = new Pinned(LARGE + TAG_SIZE);
  const seal = (size: number) => microseconds(() => aead.seal(key, 7, plain, 0, size, sealed, 0));
  const open = (size: number) => {
    aead.seal(key, 7, plain, 0, size, sealed, 0);
    return microseconds(() => {
      if (!aead.open(key, 7, sealed, 0, size, plain, 0)) throw new Error('its own record does not open');
    });
  };
  let turn = 0;
  return {
    sealMBps: LARGE / seal(LARGE),
    openMBps: LARGE / open(LARGE),
    sealSmallUs: seal(SMALL),
    openSmallUs: open(SMALL),
    rekeyedSmallUs: microseconds(() => aead.seal(keys[turn++ & 1]!, 7, plain, 0, SMALL, sealed, 0)),
  };
}

/** The least time of one call, over several rounds; the first one only warms up. */
export function microseconds(call: () => void): number {
  let best = Infinity;
  for (let round = 0; round <= ROUNDS; round++) {
    const begin = Bun.nanoseconds();
    const end = begin + ROUND_MS * 1e6;
    let [calls, now] = [0, begin];
    while (now < end) {
      for (let i = 0; i < 16; i++) call();
      calls += 16;
      now = Bun.nanoseconds();
    }
    if (round > 0) best = Math.min(best, (now - begin) / calls / 1000);
  }
  return best;
}

export function aeadTable(rows: readonly AeadRow[]): string {
  return table(
    'AEAD providers by themselves, in one thread',
    ['', 'seal MB/s at 16 KiB', 'open MB/s', 'seal µs for 2 bytes'],
    rows.map((of) => [`${of.cipher}, ${of.provider}`, of.sealMBps, of.openMBps, of.sealSmallUs]),
  );
}

if (import.meta.main) {
  const rows = await measureAead();
  const shown = rows.map(({ provider, cipher, ...figures }) => ({
    provider,
    cipher,
    'seal MB/s': figures.sealMBps.toFixed(0),
    'open MB/s': figures.openMBps.toFixed(0),
    'seal 2 B µs': figures.sealSmallUs.toFixed(2),
    'open 2 B µs': figures.openSmallUs.toFixed(2),
    'rekeyed 2 B µs': figures.rekeyedSmallUs.toFixed(2),
  }));
  process.stdout.write(`${Bun.inspect.table(shown)}\n`);
}
