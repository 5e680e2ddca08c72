/**
 * An embedded signature: a SuperBlob with its blobs, of which CodeDirectories have the hashes of all others and of the
 * pages. Big-endian. Layouts: xnu osfmk/kern/cs_blobs.h; Security OSX/libsecurity_codesigning/lib/codedirectory.h.
 */
import { boundedView } from './bounded_view.ts';
import { MachOError } from './mach_o_error.ts';

export const CSMAGIC_EMBEDDED_SIGNATURE = 0xfade0cc0;
export const CSMAGIC_CODEDIRECTORY = 0xfade0c02;
export const CSMAGIC_REQUIREMENTS = 0xfade0c01;
export const CSMAGIC_BLOBWRAPPER = 0xfade0b01;

/** Slots of a SuperBlob. Those from 1 on are special slots of a CodeDirectory as well: its hash number -slot. */
export const CSSLOT_CODEDIRECTORY = 0;
export const CSSLOT_REQUIREMENTS = 2;
const CSSLOT_ALTERNATE_CODEDIRECTORIES = 0x1000;
export const CSSLOT_SIGNATURE = 0x10000;

/** The version that has `execSegment`. */
export const WITH_EXEC_SEGMENT = 0x20400;
export const SUPER_BLOB_HEADER = 12;
export const INDEX_ENTRY = 8;
export const DIRECTORY_HEADER = 88;
/** Bytes before the identifier, by version: those of macOS 10.14, 10.15 and 12. */
const HEADERS: ReadonlyMap<number, number> = new Map([
  [WITH_EXEC_SEGMENT, DIRECTORY_HEADER],
  [0x20500, 96],
  [0x20600, 108],
]);
/** CS_HASHTYPE_SHA256, and how long its hashes are: the only kind that macOS 11 and newer make. */
export const HASH_TYPE_SHA256 = 2;
export const HASH_SIZE = 32;

export interface Blob {
  readonly slot: number;
  /** Magic and length included. */
  readonly bytes: Uint8Array;
}

export interface CodeDirectory {
  readonly slot: number;
  readonly flags: number;
  readonly identifier: string;
  /** Whose certificate stands behind it. */
  readonly team: string | undefined;
  /** Bytes of the file that are hashed, from its start. */
  readonly codeLimit: number;
  /** Bytes. The last page may be shorter. */
  readonly pageSize: number;
  /** SHA-256 of each page. */
  readonly pages: readonly Uint8Array[];
  /** SHA-256 of slot n at n - 1; all zeros where there is nothing in that slot. */
  readonly special: readonly Uint8Array[];
  /** Where the code is: the segment __TEXT; `flags`: CS_EXECSEG_MAIN_BINARY, and what entitlements allow it. */
  readonly execSegment: { readonly base: number; readonly limit: number; readonly flags: number };
}

function malformed(message: string): MachOError {
  return new MachOError('ERR_SIGNATURE_MALFORMED', message);
}

/**
 * Reads what LC_CODE_SIGNATURE points to. The blobs must stand in the order of its index, as every known signer lays them, with
 * nothing but zeros between and behind them, so that no byte goes unread.
 * @throws MachOError of ERR_SIGNATURE_MALFORMED; nothing else, whatever the bytes
 */
export function readBlobs(signature: Uint8Array): Blob[] {
  const view = boundedView(signature, 'big', 'the signature', 'ERR_SIGNATURE_MALFORMED');
  if (view.u32(0) !== CSMAGIC_EMBEDDED_SIGNATURE) throw malformed('the signature is no SuperBlob');
  const length = view.u32(4);
  if (view.bytes(length, view.length - length).some((byte) => byte !== 0)) {
    throw malformed(`behind the SuperBlob, at ${length}, something other than zeros follows`);
  }
  const count = view.u32(8);
  let end = SUPER_BLOB_HEADER + count * INDEX_ENTRY;
  const blobs: Blob[] = [];
  for (let i = 0; i < count; i++) {
    const entry = SUPER_BLOB_HEADER + i * INDEX_ENTRY;
    const slot = view.u32(entry);
    const offset = view.u32(entry + 4);
    // lld aligns them to 8 bytes.
    if (view.bytes(end, offset - end).some((byte) => byte !== 0)) {
      throw malformed(`before the blob ${i} of the signature, at ${end}, something other than zeros stands`);
    }
    if (blobs.some((other) => other.slot === slot)) throw malformed(`the signature has slot ${slot} twice`);
    const size = view.u32(offset + 4);
    if (size < 8) throw malformed(`the blob ${i} of the signature has ${size} bytes`);
    blobs.push({ slot, bytes: view.bytes(offset, size) });
    end = offset + size;
  }
  if (end !== length) throw malformed(`the blobs of the signature end at ${end}, not at ${length}`);
  return blobs;
}

/** Is it a CodeDirectory's slot? The alternates, five at most, are for older systems. */
export function holdsDirectory({ slot }: Blob): boolean {
  return (
    slot === CSSLOT_CODEDIRECTORY ||
    (slot >= CSSLOT_ALTERNATE_CODEDIRECTORIES && slot < CSSLOT_ALTERNATE_CODEDIRECTORIES + 5)
  );
}

/**
 * Reads a CodeDirectory with hashes by SHA-256 and a version of macOS 10.14 or newer; no other one is made any more.
 * @throws MachOError of ERR_SIGNATURE_MALFORMED; nothing else, whatever the bytes
 */
export function readDirectory({ slot, bytes }: Blob): CodeDirectory {
  const view = boundedView(bytes, 'big', 'the CodeDirectory', 'ERR_SIGNATURE_MALFORMED');
  if (view.u32(0) !== CSMAGIC_CODEDIRECTORY) throw malformed(`slot ${slot} holds no CodeDirectory`);
  const version = view.u32(8);
  const header = HEADERS.get(version);
  if (header === undefined) {
    throw malformed(`the CodeDirectory has version 0x${version.toString(16)}, which is not known`);
  }
  if (view.u8(36) !== HASH_SIZE || view.u8(37) !== HASH_TYPE_SHA256) {
    throw malformed(
      `the CodeDirectory has hashes of type ${view.u8(37)}, of ${view.u8(36)} bytes, not SHA-256`,
    );
  }
  // Scattered hashing, pages hashed in another order than the file has them, was never used; platform is Apple's own.
  for (const [name, value] of [
    ['platform', view.u8(38)],
    ['spare2', view.u32(40)],
    ['scatterOffset', view.u32(44)],
    ['spare3', view.u32(52)],
  ] as const) {
    if (value !== 0) throw malformed(`the CodeDirectory has ${value} as ${name}, not 0`);
  }
  const shift = view.u8(39);
  if (shift < 12 || shift > 14) throw malformed(`the CodeDirectory has pages of 2^${shift} bytes`);
  const pageSize = 1 << shift;
  // codeLimit64 is for files of 4 GiB and more.
  const codeLimit = view.u64(56) || view.u32(32);

  const hashes = view.u32(16);
  const specialCount = view.u32(24);
  const pageCount = view.u32(28);
  if (pageCount !== Math.ceil(codeLimit / pageSize)) {
    throw malformed(
      `the CodeDirectory has ${pageCount} hashes for ${codeLimit} bytes in pages of ${pageSize}`,
    );
  }
  const first = hashes - specialCount * HASH_SIZE;
  const identifier = view.u32(20);
  if (identifier !== header)
    throw malformed(`the CodeDirectory has its name at ${identifier}, not at ${header}`);
  if (first < header) throw malformed('the CodeDirectory overlaps itself');
  const team = view.u32(48);
  const hashAt = (n: number) => view.bytes(hashes + n * HASH_SIZE, HASH_SIZE);
  return {
    slot,
    flags: view.u32(12),
    identifier: view.text(identifier),
    team: team === 0 ? undefined : view.text(team),
    codeLimit,
    pageSize,
    pages: Array.from({ length: pageCountWithin(view.length, hashes, pageCount) }, (_, n) => hashAt(n)),
    special: Array.from({ length: specialCount }, (_, n) => hashAt(-n - 1)),
    execSegment: { base: view.u64(64), limit: view.u64(72), flags: view.u64(80) },
  };
}

/** The last hash must end the CodeDirectory, as every known signer lays it; before memory is taken for them. */
function pageCountWithin(length: number, hashes: number, count: number): number {
  if (hashes + count * HASH_SIZE !== length) {
    throw malformed(`the CodeDirectory ends at ${length}, its hashes at ${hashes + count * HASH_SIZE}`);
  }
  return count;
}
