/**
 * Would a Mac take the signature of this executable? On Apple silicon the kernel kills what has none, or one with a wrong hash
 * of a page, as soon as that page is read.
 */
import { createHash } from 'node:crypto';
import {
  CSMAGIC_BLOBWRAPPER,
  CSSLOT_CODEDIRECTORY,
  CSSLOT_SIGNATURE,
  holdsDirectory,
  readBlobs,
  readDirectory,
  type Blob,
  type CodeDirectory,
} from './code_directory.ts';
import { MachOError } from './mach_o_error.ts';
import type { MachO } from './mach_o.ts';

/** Flags of a CodeDirectory: CS_ADHOC, no certificate stands behind it; CS_LINKER_SIGNED, no `codesign` made it. */
export const CS_ADHOC = 0x2;
const CS_LINKER_SIGNED = 0x20000;
/** Of its execSegment: CS_EXECSEG_MAIN_BINARY. */
export const CS_EXECSEG_MAIN_BINARY = 1;

export interface CheckedSignature {
  /** As many pages as have a hash. */
  readonly pages: number;
  /** What is wrong with it, one sentence each; nothing if it is sound. */
  readonly wrong: readonly string[];
}

/** Pages that are named; of more only the number is told. */
const NAMED = 5;

/**
 * Checks an ad-hoc signature: every page, every other blob, and that it is about the whole file. One by a certificate is
 * wrong here: it can't be ours, and whether Apple trusts it can't be known here.
 * @param machO of the same file
 */
export function checkSignature(file: Uint8Array, machO: MachO): CheckedSignature {
  try {
    const { offset, size } = machO.signature;
    const blobs = readBlobs(file.subarray(offset, offset + size));
    if (!blobs.some(({ slot }) => slot === CSSLOT_CODEDIRECTORY)) {
      return { pages: 0, wrong: ['it has no CodeDirectory'] };
    }
    const directories = blobs.filter(holdsDirectory).map(readDirectory);
    return {
      pages: directories.reduce((sum, { pages }) => sum + pages.length, 0),
      wrong: directories.flatMap((directory) => [
        ...wrongOf(directory, machO),
        ...wrongBlobs(directory, blobs),
        ...wrongPages(directory, file),
      ]),
    };
  } catch (error) {
    if (!(error instanceof MachOError)) throw error;
    return { pages: 0, wrong: [error.message] };
  }
}

function wrongOf(directory: CodeDirectory, { text, signature }: MachO): string[] {
  const { flags, team, codeLimit, execSegment } = directory;
  const wrong: string[] = [];
  if ((flags & ~CS_LINKER_SIGNED) !== CS_ADHOC) {
    wrong.push(`its flags are 0x${flags.toString(16)}, not those of an ad-hoc signature alone`);
  }
  if (team !== undefined) wrong.push(`it is of the team ${team}`);
  if (codeLimit !== signature.offset) {
    wrong.push(`it hashes ${codeLimit} bytes, of ${signature.offset} before it`);
  }
  const { base, limit } = execSegment;
  if (base !== text.offset || limit !== text.size) {
    wrong.push(`it says that the code has ${limit} bytes at ${base}: it has ${text.size} at ${text.offset}`);
  }
  if (execSegment.flags !== CS_EXECSEG_MAIN_BINARY) {
    wrong.push(
      `the flags of its code are 0x${execSegment.flags.toString(16)}, not those of a main executable alone`,
    );
  }
  return wrong;
}

/** Every other blob must have its hash in a special slot; but for the one of a certificate, which is empty here. */
function wrongBlobs({ special }: CodeDirectory, blobs: readonly Blob[]): string[] {
  const bound = special.flatMap((hash, index) => {
    const slot = index + 1;
    const blob = blobs.find((each) => each.slot === slot);
    if (hash.every((byte) => byte === 0)) return blob ? [`it has no hash of its slot ${slot}`] : [];
    if (!blob) return [`it has a hash for slot ${slot}, which it hasn't`];
    return sha256(blob.bytes).equals(hash) ? [] : [`the hash of its slot ${slot} is wrong`];
  });
  const unbound = blobs
    .filter((blob) => blob.slot > special.length && !holdsDirectory(blob) && !isEmptyWrapper(blob))
    .map(({ slot }) => `it has no hash of its slot ${slot}`);
  return [...bound, ...unbound];
}

function isEmptyWrapper({ slot, bytes }: Blob): boolean {
  return (
    slot === CSSLOT_SIGNATURE &&
    bytes.length === 8 &&
    Buffer.from(bytes).readUInt32BE() === CSMAGIC_BLOBWRAPPER
  );
}

function wrongPages({ pages, pageSize, codeLimit }: CodeDirectory, file: Uint8Array): string[] {
  const wrong = pages
    .map((hash, n) => ({ n, right: pageHash(file, n, pageSize, codeLimit).equals(hash) }))
    .filter(({ right }) => !right)
    .map(({ n }) => n);
  if (wrong.length === 0) return [];
  const named = wrong.slice(0, NAMED).join(', ') + (wrong.length > NAMED ? ' …' : '');
  return [`the hashes of ${wrong.length} of ${pages.length} pages are wrong: ${named}`];
}

/** The hash of page `n`; the last page ends at `codeLimit`. */
export function pageHash(file: Uint8Array, n: number, pageSize: number, codeLimit: number): Buffer {
  return sha256(file.subarray(n * pageSize, Math.min((n + 1) * pageSize, codeLimit)));
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
