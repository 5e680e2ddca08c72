/** Checking signatures and making them, on executables that another linker made and signed. */
import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { checkSignature } from '../../src/build/check_signature.ts';
import { readBlobs, readDirectory } from '../../src/build/code_directory.ts';
import { MachOError } from '../../src/build/mach_o_error.ts';
import { readMachO } from '../../src/build/mach_o.ts';
import { settleSignature } from '../../src/build/settle_signature.ts';
import { signAdHoc } from '../../src/build/sign_ad_hoc.ts';
import { EXECUTABLES } from './executables.ts';

const signatureOf = (file: Uint8Array) => file.subarray(readMachO(file).signature.offset);
const directoryOf = (file: Uint8Array) => readDirectory(readBlobs(signatureOf(file))[0]!);
const check = (file: Uint8Array) => checkSignature(file, readMachO(file));
const signedAnew = (file: Uint8Array) => signAdHoc(file, readMachO(file), 'snet');

function withByte(file: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const copy = new Uint8Array(file);
  copy[at] = change(copy[at]!);
  return copy;
}

describe.each(['arm64', 'x64'] as const)('%s', (arch) => {
  const file = EXECUTABLES[arch];
  const signed = signedAnew(file);

  test('what lld signed is sound', () => {
    expect(check(file)).toEqual({ pages: Math.ceil(readMachO(file).signature.offset / 4096), wrong: [] });
  });

  test('what is signed anew is sound, and the file it was made from is as it was', () => {
    expect(check(signed).wrong).toEqual([]);
    expect(check(file).wrong).toEqual([]);
  });

  test('lld and we have the same hashes, but for the page of the load commands', () => {
    const [theirs, ours] = [directoryOf(file), directoryOf(signed)];
    expect(ours.pages.slice(1)).toEqual(theirs.pages.slice(1));
    expect(ours.pages[0]).not.toEqual(theirs.pages[0]!);
    expect({ ...theirs, identifier: 'snet', flags: 2 }).toEqual({
      ...ours,
      pages: theirs.pages,
      special: theirs.special,
    });
  });

  test('__LINKEDIT ends the file, and is mapped in whole pages', () => {
    const { linkedit, signature } = readMachO(signed);
    const view = new DataView(signed.buffer);
    expect(linkedit.offset + linkedit.size).toBe(signed.length);
    expect(signature.size % 16).toBe(0);
    expect(view.getBigUint64(linkedit.command + 32, true)).toBe(0x4000n);
  });

  test('signing what was signed changes nothing', () => {
    expect(Buffer.compare(signedAnew(signed), signed)).toBe(0);
  });

  test('one byte changed anywhere before the signature is found', () => {
    const { offset } = readMachO(file).signature;
    for (const whole of [file, signed]) {
      fc.assert(
        fc.property(fc.nat({ max: offset - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
          let wrong: readonly string[];
          try {
            ({ wrong } = check(withByte(whole, at, (byte) => byte ^ mask)));
          } catch (error) {
            // In the load commands: then it can't even be read.
            wrong = [String(error)];
          }
          expect(wrong).not.toEqual([]);
        }),
        { numRuns: 500 },
      );
    }
  });

  test('so is one byte of the signature: all but the name, which nothing binds, and who made it', () => {
    const { offset } = readMachO(signed).signature;
    const unbound: number[] = [];
    for (let at = offset; at < signed.length; at++) {
      if (check(withByte(signed, at, (byte) => byte ^ 0x02)).wrong.length === 0) unbound.push(at - offset);
    }
    const directory = Buffer.from(signed.subarray(offset)).readUInt32BE(16);
    const [flags, name] = [directory + 12, directory + 88];
    // CS_LINKER_SIGNED is 0x20000. Without the NUL after it, the name goes on into the hashes, up to another.
    expect(unbound).toEqual([flags + 1, ...[0, 1, 2, 3, 4].map((letter) => name + letter)]);
  });
});

describe('a signature that is not sound says why', () => {
  const signed = signedAnew(EXECUTABLES.x64);
  const { signature } = readMachO(signed);
  const directory = signature.offset + 36;
  const hashes = directory + 88 + 'snet\0'.length + 2 * 32;
  const requirements = hashes + 2 * 32;
  const with32 = (at: number, value: number) => {
    const copy = new Uint8Array(signed);
    new DataView(copy.buffer).setUint32(at, value);
    return copy;
  };

  test.each([
    ['a page', withByte(signed, 4100, () => 7), 'the hashes of 1 of 2 pages are wrong: 1'],
    [
      'the hash of a page',
      withByte(signed, hashes, (byte) => ~byte),
      'the hashes of 1 of 2 pages are wrong: 0',
    ],
    [
      'the hardened runtime',
      with32(directory + 12, 0x10002),
      'its flags are 0x10002, not those of an ad-hoc signature alone',
    ],
    ['a part of the file alone', with32(directory + 32, 4097), 'it hashes 4097 bytes, of 4224 before it'],
    ['less code', with32(directory + 76, 16), 'it says that the code has 16 bytes at 0: it has 4096 at 0'],
    [
      'what entitlements allow',
      with32(directory + 84, 0x41),
      'the flags of its code are 0x41, not those of a main executable alone',
    ],
    ['requirements that are others', with32(requirements + 8, 1), 'the hash of its slot 2 is wrong'],
    ['an Info.plist somewhere', with32(hashes - 4, 1), "it has a hash for slot 1, which it hasn't"],
    ['a blob that nothing binds', with32(signature.offset + 20, 7), 'it has no hash of its slot 7'],
    [
      'SHA-1',
      withByte(signed, directory + 37, () => 1),
      'the CodeDirectory has hashes of type 1, of 32 bytes, not SHA-256',
    ],
    ['no CodeDirectory', with32(signature.offset + 12, 0x1005), 'it has no CodeDirectory'],
    ['no SuperBlob', with32(signature.offset, 0), 'the signature is no SuperBlob'],
    [
      'one page too few',
      with32(directory + 28, 1),
      'the CodeDirectory has 1 hashes for 4224 bytes in pages of 4096',
    ],
    [
      'bytes behind it',
      withByte(signed, signed.length - 1, () => 1),
      'behind the SuperBlob, at 277, something other than zeros follows',
    ],
  ])('%s', (_, file, wrong) => {
    expect(check(file).wrong).toContain(wrong);
    // And it can be made anew, whatever it is.
    expect(check(settleSignature(file, 'snet').file).wrong).toEqual([]);
  });
});

test('a sound signature is kept, one that is not is replaced', () => {
  const kept = settleSignature(EXECUTABLES.arm64, 'snet');
  expect({ same: kept.file === EXECUTABLES.arm64, replaced: kept.replaced }).toEqual({
    same: true,
    replaced: [],
  });
  const stale = withByte(EXECUTABLES.arm64, 9000, (byte) => byte + 1);
  expect(settleSignature(stale, 'snet').replaced).toEqual(['the hashes of 1 of 5 pages are wrong: 2']);
});

test('whatever is written over an executable, it is refused or gets a sound signature', () => {
  const { signature } = readMachO(EXECUTABLES.arm64);
  const places = fc.oneof(
    fc.nat({ max: 700 }),
    fc.nat({ max: signature.size }).map((at) => signature.offset + at),
  );
  let refused = 0;
  fc.assert(
    fc.property(places, fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, bytes) => {
      const file = new Uint8Array(EXECUTABLES.arm64);
      file.set(bytes.subarray(0, file.length - at), at);
      try {
        expect(check(settleSignature(file, 'snet').file).wrong).toEqual([]);
      } catch (error) {
        expect(error).toBeInstanceOf(MachOError);
        refused++;
      }
    }),
    { numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(0);
});
