/** Numbers out of bytes that anybody may have written: what lies outside of them is an error, never undefined. */
import { MachOError, type MachOStatus } from './mach_o_error.ts';

export interface BoundedView {
  readonly length: number;
  u8(at: number): number;
  u32(at: number): number;
  /** @throws MachOError also for what a number can't hold exactly: no file is as large */
  u64(at: number): number;
  /** Text up to the next NUL, which must come. UTF-8. */
  text(at: number): string;
  /** `size` bytes from `at`, not copied. */
  bytes(at: number, size: number): Uint8Array;
}

/**
 * @param what names the bytes in messages
 * @param status of the errors
 */
export function boundedView(
  bytes: Uint8Array,
  endian: 'little' | 'big',
  what: string,
  status: MachOStatus,
): BoundedView {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = endian === 'little';
  const check = (at: number, size: number) => {
    if (at < 0 || size < 0 || at + size > bytes.length) {
      throw new MachOError(status, `${what} has ${bytes.length} bytes, and is to have ${size} at ${at}`);
    }
  };
  return {
    length: bytes.length,
    u8(at) {
      check(at, 1);
      return view.getUint8(at);
    },
    u32(at) {
      check(at, 4);
      return view.getUint32(at, little);
    },
    u64(at) {
      check(at, 8);
      const value = view.getBigUint64(at, little);
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
        throw new MachOError(status, `${what} has ${value} as a size or place, at ${at}`);
      }
      return Number(value);
    },
    text(at) {
      check(at, 1);
      const end = bytes.indexOf(0, at);
      if (end < 0) throw new MachOError(status, `${what} has a text at ${at} that doesn't end`);
      return new TextDecoder().decode(bytes.subarray(at, end));
    },
    bytes(at, size) {
      check(at, size);
      return bytes.subarray(at, at + size);
    },
  };
}
