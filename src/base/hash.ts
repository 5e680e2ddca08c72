/** Hashes for tables in memory and nothing else: quick, seeded, 32 bits. Not for files, not against forgery. */

/** FNV-1a: draft-eastlake-fnv §5. */
const PRIME = 0x01000193;

/** Of a table's own: so that nobody outside can choose names which all fall into one place. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** Of text by its UTF-16 code units. */
export function hashText(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME);
  return spread(hash);
}

export function hashBytes(bytes: Uint8Array, seed: number): number {
  let hash = seed;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, PRIME);
  return spread(hash);
}

/** The finalizer of MurmurHash3: spreads what FNV leaves in the low bits. */
function spread(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
