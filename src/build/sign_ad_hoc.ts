/**
 * A new ad-hoc signature in place of whatever there is, as `codesign --force --sign -` makes it: CodeDirectory, an empty set of
 * requirements, and an empty wrapper where a certificate's signature would be. No entitlements: they lift limits of the
 * hardened runtime, and this has none. Pages have 4096 bytes on arm64 as well, though the kernel's have four times as
 * many: codesign, ld and lld do the same.
 */
import { CS_ADHOC, CS_EXECSEG_MAIN_BINARY, pageHash, sha256 } from './check_signature.ts';
import {
  CSMAGIC_BLOBWRAPPER,
  CSMAGIC_CODEDIRECTORY,
  CSMAGIC_EMBEDDED_SIGNATURE,
  CSMAGIC_REQUIREMENTS,
  CSSLOT_CODEDIRECTORY,
  CSSLOT_REQUIREMENTS,
  CSSLOT_SIGNATURE,
  DIRECTORY_HEADER,
  HASH_SIZE,
  HASH_TYPE_SHA256,
  INDEX_ENTRY,
  SUPER_BLOB_HEADER,
  WITH_EXEC_SEGMENT,
  type Blob,
} from './code_directory.ts';
import { SEGMENT_FILE_SIZE, SEGMENT_VM_SIZE, SIGNATURE_SIZE, type MachO, type Span } from './mach_o.ts';

const PAGE_SHIFT = 12;
const PAGE_SIZE = 1 << PAGE_SHIFT;
/** Segments are mapped in the kernel's pages: 16 KiB on arm64; x64 can do with it. */
const SEGMENT_ALIGNMENT = 0x4000;
const SIGNATURE_ALIGNMENT = 16;

/**
 * @param machO of the same file
 * @param identifier how macOS names the program, for example in the firewall's list; no NUL in it
 * @returns another file, signed; `file` stays as it is
 */
export function signAdHoc(file: Uint8Array, machO: MachO, identifier: string): Uint8Array<ArrayBuffer> {
  const { text, linkedit, signature } = machO;
  const codeLimit = signature.offset;
  const requirements = blob(CSMAGIC_REQUIREMENTS, new Uint8Array(4));
  const wrapper = blob(CSMAGIC_BLOBWRAPPER, new Uint8Array(0));
  const special = [new Uint8Array(HASH_SIZE), sha256(requirements)];
  const layOut = (pages: Uint8Array) =>
    superBlob([
      { slot: CSSLOT_CODEDIRECTORY, bytes: codeDirectory(identifier, codeLimit, text, special, pages) },
      { slot: CSSLOT_REQUIREMENTS, bytes: requirements },
      { slot: CSSLOT_SIGNATURE, bytes: wrapper },
    ]);

  const pageCount = Math.ceil(codeLimit / PAGE_SIZE);
  const pages = new Uint8Array(pageCount * HASH_SIZE);
  const size = roundUp(layOut(pages).length, SIGNATURE_ALIGNMENT);
  const signed = new Uint8Array(codeLimit + size);
  signed.set(file.subarray(0, codeLimit));

  // Before the hashes are taken: the load commands are in the first page.
  const view = new DataView(signed.buffer);
  const linkeditSize = signed.length - linkedit.offset;
  view.setUint32(signature.command + SIGNATURE_SIZE, size, true);
  view.setBigUint64(linkedit.command + SEGMENT_FILE_SIZE, BigInt(linkeditSize), true);
  view.setBigUint64(
    linkedit.command + SEGMENT_VM_SIZE,
    BigInt(roundUp(linkeditSize, SEGMENT_ALIGNMENT)),
    true,
  );

  for (let n = 0; n < pageCount; n++) pages.set(pageHash(signed, n, PAGE_SIZE, codeLimit), n * HASH_SIZE);
  signed.set(layOut(pages), codeLimit);
  return signed;
}

/** @param special hashes of the slots from 1 on; @param pages hashes of all pages, one after the other */
function codeDirectory(
  identifier: string,
  codeLimit: number,
  text: Span,
  special: readonly Uint8Array[],
  pages: Uint8Array,
): Uint8Array {
  const name = Buffer.from(`${identifier}\0`);
  // Special hashes stand before the first page's, the highest slot first.
  const hashes = DIRECTORY_HEADER + name.length + special.length * HASH_SIZE;
  const body = new Uint8Array(hashes + pages.length - BLOB_HEADER);
  const at = (offset: number) => offset - BLOB_HEADER;
  body.set(name, at(DIRECTORY_HEADER));
  special.forEach((hash, index) => body.set(hash, at(hashes - (index + 1) * HASH_SIZE)));
  body.set(pages, at(hashes));
  const view = new DataView(body.buffer);
  view.setUint32(at(8), WITH_EXEC_SEGMENT);
  view.setUint32(at(12), CS_ADHOC);
  view.setUint32(at(16), hashes);
  view.setUint32(at(20), DIRECTORY_HEADER);
  view.setUint32(at(24), special.length);
  view.setUint32(at(28), pages.length / HASH_SIZE);
  view.setUint32(at(32), codeLimit);
  view.setUint8(at(36), HASH_SIZE);
  view.setUint8(at(37), HASH_TYPE_SHA256);
  view.setUint8(at(39), PAGE_SHIFT);
  view.setBigUint64(at(64), BigInt(text.offset));
  view.setBigUint64(at(72), BigInt(text.size));
  view.setBigUint64(at(80), BigInt(CS_EXECSEG_MAIN_BINARY));
  return blob(CSMAGIC_CODEDIRECTORY, body);
}

/** Magic and length, of which every blob has one. */
const BLOB_HEADER = 8;

function blob(magic: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BLOB_HEADER + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic);
  view.setUint32(4, bytes.length);
  bytes.set(body, BLOB_HEADER);
  return bytes;
}

/** The blobs behind one another, after an index of where each is. */
function superBlob(blobs: readonly Blob[]): Uint8Array {
  const index = SUPER_BLOB_HEADER + blobs.length * INDEX_ENTRY;
  const body = new Uint8Array(blobs.reduce((sum, { bytes }) => sum + bytes.length, index) - BLOB_HEADER);
  const view = new DataView(body.buffer);
  view.setUint32(0, blobs.length);
  let offset = index;
  blobs.forEach(({ slot, bytes }, i) => {
    const entry = SUPER_BLOB_HEADER + i * INDEX_ENTRY - BLOB_HEADER;
    view.setUint32(entry, slot);
    view.setUint32(entry + 4, offset);
    body.set(bytes, offset - BLOB_HEADER);
    offset += bytes.length;
  });
  return blob(CSMAGIC_EMBEDDED_SIGNATURE, body);
}

function roundUp(size: number, step: number): number {
  return Math.ceil(size / step) * step;
}
