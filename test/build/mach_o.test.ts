/** The readers of executables: what a linker that is not ours wrote, and bytes that nobody should have written. */
import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { readBlobs, readDirectory } from '../../src/build/code_directory.ts';
import { MachOError } from '../../src/build/mach_o_error.ts';
import { readMachO } from '../../src/build/mach_o.ts';
import { EXECUTABLES } from './executables.ts';

/** The status of the error that `read` throws, if any. */
function statusOf(read: () => unknown): string {
  try {
    read();
    return 'ok';
  } catch (error) {
    return error instanceof MachOError ? error.status : `not ours: ${String(error)}`;
  }
}

const readAll = (file: Uint8Array) => {
  const { signature } = readMachO(file);
  return readBlobs(file.subarray(signature.offset)).map(readDirectory);
};

/** A copy with a 32-bit number, little-endian, at `at`. */
function withNumber(file: Uint8Array, at: number, value: number): Uint8Array {
  const copy = new Uint8Array(file);
  new DataView(copy.buffer).setUint32(at, value, true);
  return copy;
}

// `llvm-objdump --macho --private-headers` of the same files says the same.
describe('an executable that lld made', () => {
  test('for arm64', () => {
    expect(readMachO(EXECUTABLES.arm64)).toEqual({
      arch: 'arm64',
      oldestMacos: '13.0',
      text: { offset: 0, size: 16384 },
      linkedit: { command: 256, offset: 16384, size: 416 },
      signature: { command: 624, offset: 16512, size: 288 },
    });
  });

  test('for x64', () => {
    expect(readMachO(EXECUTABLES.x64)).toEqual({
      arch: 'x64',
      oldestMacos: '13.0',
      text: { offset: 0, size: 4096 },
      linkedit: { command: 256, offset: 4096, size: 320 },
      signature: { command: 624, offset: 4224, size: 192 },
    });
  });

  test('has one CodeDirectory of all that stands before it', () => {
    const [directory, ...others] = readAll(EXECUTABLES.arm64);
    expect(others).toEqual([]);
    const { pages, ...rest } = directory!;
    expect(pages).toHaveLength(5);
    expect(rest).toEqual({
      slot: 0,
      flags: 0x20002,
      identifier: 'lld-arm64',
      team: undefined,
      codeLimit: 16512,
      pageSize: 4096,
      special: [],
      execSegment: { base: 0, limit: 16384, flags: 1 },
    });
  });
});

describe('what is no executable for macOS says so', () => {
  const file = EXECUTABLES.arm64;
  test.each([
    ['nothing', new Uint8Array(), 'ERR_MACH_O_MALFORMED'],
    ['an ELF file', Buffer.from('\x7fELF'.padEnd(64, '\0'), 'latin1'), 'ERR_MACH_O_MALFORMED'],
    ['a universal file', withNumber(file, 0, 0xbebafeca), 'ERR_MACH_O_MALFORMED'],
    ['another CPU', withNumber(file, 4, 0x0100000d), 'ERR_MACH_O_MALFORMED'],
    ['a library', withNumber(file, 12, 6), 'ERR_MACH_O_MALFORMED'],
    ['one load command too many', withNumber(file, 16, 18), 'ERR_MACH_O_MALFORMED'],
    ['four thousand million load commands', withNumber(file, 16, 0xffffffff), 'ERR_MACH_O_MALFORMED'],
    ['a load command of no bytes', withNumber(file, 36, 0), 'ERR_MACH_O_MALFORMED'],
    ['a segment larger than any file', withNumber(file, 256 + 52, 0xffffffff), 'ERR_MACH_O_MALFORMED'],
    ['a signature command of another kind', withNumber(file, 624, 0x26), 'ERR_MACH_O_UNSIGNED'],
    ['a signature that ends before the file', withNumber(file, 636, 272), 'ERR_MACH_O_UNSIGNED'],
    ['bytes after the signature', new Uint8Array([...file, 0]), 'ERR_MACH_O_UNSIGNED'],
  ])('%s', (_, bytes, status) => {
    expect(statusOf(() => readMachO(bytes))).toBe(status);
  });
});

describe('bytes that nobody should have written throw nothing but our own error', () => {
  const { signature } = readMachO(EXECUTABLES.arm64);
  const ours = /^(?:ok|ERR_[A-Z_]+)$/;

  test('cut short anywhere', () => {
    for (let length = 0; length < EXECUTABLES.x64.length; length++) {
      expect(statusOf(() => readAll(EXECUTABLES.x64.subarray(0, length)))).toMatch(/^ERR_MACH_O_/);
    }
  });

  test('any bytes behind a right beginning', () => {
    const start = EXECUTABLES.arm64.subarray(0, 32);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(statusOf(() => readAll(new Uint8Array([...start, ...bytes])))).toMatch(ours);
      }),
    );
  });

  test('any number anywhere in the load commands', () => {
    fc.assert(
      fc.property(fc.nat({ max: 640 / 4 }), fc.nat({ max: 0xffffffff }), (word, value) => {
        expect(statusOf(() => readAll(withNumber(EXECUTABLES.arm64, word * 4, value)))).toMatch(ours);
      }),
    );
  });

  test('any number anywhere in the signature', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), fc.nat({ max: 0xffffffff }), (at, value) => {
        const file = withNumber(EXECUTABLES.arm64, signature.offset + at, value);
        expect(statusOf(() => readAll(file))).toMatch(ours);
      }),
    );
  });

  test('any bytes as a signature, and as a CodeDirectory', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(statusOf(() => readBlobs(bytes))).toBe('ERR_SIGNATURE_MALFORMED');
        expect(statusOf(() => readDirectory({ slot: 0, bytes }))).toBe('ERR_SIGNATURE_MALFORMED');
      }),
    );
  });
});
