/** What the DNS benchmark asks for: a zone with an address for every name, and lists of questions for dnsperf. */

/** All names are below it. */
export const ZONE = 'bench.example';

/**
 * Kinds of names, each a label below the zone: of known ones, Chinese and foreign; of unknown ones, those whose addresses
 * are in China and those whose are not. A name is `nNUMBER.KIND.bench.example`.
 */
export const KINDS = ['china', 'foreign', 'near', 'far'] as const;
export type Kind = (typeof KINDS)[number];

/** Numbers below this have an address of their own; all others share their kind's. */
export const NAMED = 50_000;

/** 36.96.0.0/11 is China Telecom's, 44.192.0.0/11 Amazon's. */
const PREFIXES: Record<Kind, string> = { china: '36.96', foreign: '44.192', near: '36.97', far: '44.193' };

export function nameOf(number: number, kind: Kind): string {
  return `n${number}.${kind}.${ZONE}`;
}

/** In a zone file's form (RFC 1035 §5). */
export function zoneFile(): string {
  const lines = [
    `$ORIGIN ${ZONE}.`,
    '$TTL 3600',
    '@ SOA ns admin 1 3600 600 86400 60',
    '@ NS ns',
    'ns A 10.77.0.2',
  ];
  for (const kind of KINDS) {
    lines.push(`*.${kind} A ${PREFIXES[kind]}.255.255`);
    for (let i = 0; i < NAMED; i++) lines.push(`n${i}.${kind} A ${PREFIXES[kind]}.${i >> 8}.${i & 255}`);
  }
  return `${lines.join('\n')}\n`;
}

/** In dnsperf's form: a name and a type a line. */
export function questions(names: Iterable<string>): string {
  let text = '';
  for (const name of names) text += `${name} A\n`;
  return text;
}

/** Unknown names, every other one of them in China. */
export function* numbered(from: number, to: number): Generator<string> {
  for (let i = from; i < to; i++) yield nameOf(i >> 1, (i & 1) === 0 ? 'near' : 'far');
}

/** Of one kind, below none of the names that have an address of their own: nobody asked for them before. */
export function* unheardOf(kind: Kind, from: number, count: number): Generator<string> {
  for (let i = 0; i < count; i++) yield nameOf(NAMED + from + i, kind);
}

/**
 * As people ask: of `known` names some are asked for much more often than others (Zipf's law, exponent 1; Jung et al.,
 * "DNS Performance and the Effectiveness of Caching", 2002, found 0.91), and one question in ten is for a name that
 * nobody asked for before.
 * @param from of the new names: those of two mixes must not be the same
 */
export function* mixed(count: number, known: number, from: number): Generator<string> {
  const random = generator(from + 1);
  const sums = new Float64Array(known);
  let sum = 0;
  for (let rank = 0; rank < known; rank++) sums[rank] = sum += 1 / (rank + 1);
  let fresh = 2 * (NAMED + from);
  for (let i = 0; i < count; i++) {
    if (i % 10 === 9) yield* numbered(fresh, ++fresh);
    else {
      const number = firstAbove(sums, random() * sum);
      yield* numbered(number, number + 1);
    }
  }
}

/** Where `value` belongs among rising numbers. */
function firstAbove(rising: Float64Array, value: number): number {
  let [low, high] = [0, rising.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same numbers each time, 0 to 1: both programs are asked the same. Xorshift, Marsaglia 2003. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
