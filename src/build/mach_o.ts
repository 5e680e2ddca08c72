/**
 * What of an executable for macOS matters to its signature: 64-bit Mach-O, little-endian.
 * Layouts: <mach-o/loader.h> of xnu (EXTERNAL_HEADERS/mach-o/loader.h).
 */
import { boundedView, type BoundedView } from './bounded_view.ts';
import { MachOError } from './mach_o_error.ts';

/** Of the file, in bytes. */
export interface Span {
  readonly offset: number;
  readonly size: number;
}

export interface MachO {
  readonly arch: 'x64' | 'arm64';
  /** `major.minor` of the oldest macOS that loads it: `minos` of LC_BUILD_VERSION. */
  readonly oldestMacos: string;
  /** The segment __TEXT. */
  readonly text: Span;
  /** The segment __LINKEDIT, the last one; `command` is where its load command stands. */
  readonly linkedit: Span & { readonly command: number };
  /** What LC_CODE_SIGNATURE points to, the end of the file; `command` is where that load command stands. */
  readonly signature: Span & { readonly command: number };
}

/** Places of what the signer writes, from where the load command begins. */
export const SEGMENT_VM_SIZE = 32;
export const SEGMENT_FILE_SIZE = 48;
export const SIGNATURE_SIZE = 12;

const MH_MAGIC_64 = 0xfeedfacf;
const MH_EXECUTE = 2;
const HEADER = 32;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
const LC_BUILD_VERSION = 0x32;
const PLATFORM_MACOS = 1;
/** CPU_TYPE_X86_64, CPU_TYPE_ARM64. */
const ARCHES: ReadonlyMap<number, MachO['arch']> = new Map([
  [0x01000007, 'x64'],
  [0x0100000c, 'arm64'],
]);

function malformed(message: string): MachOError {
  return new MachOError('ERR_MACH_O_MALFORMED', message);
}

/**
 * Reads the header and the load commands of a thin (not universal) executable.
 * @throws MachOError; nothing else, whatever the bytes
 */
export function readMachO(file: Uint8Array): MachO {
  const view = boundedView(file, 'little', 'the executable', 'ERR_MACH_O_MALFORMED');
  if (view.u32(0) !== MH_MAGIC_64) throw malformed('it does not begin as a 64-bit Mach-O file does');
  const arch = ARCHES.get(view.u32(4));
  if (arch === undefined) throw malformed(`it is for the CPU type 0x${view.u32(4).toString(16)}`);
  if (view.u32(12) !== MH_EXECUTE) throw malformed(`it is of the file type ${view.u32(12)}, no executable`);

  const found: { text?: Span; linkedit?: MachO['linkedit']; signature?: MachO['signature']; minos?: string } =
    {};
  const once = <Key extends keyof typeof found>(key: Key, value: NonNullable<(typeof found)[Key]>) => {
    if (found[key] !== undefined) throw malformed(`it has two load commands for ${key}`);
    found[key] = value;
  };
  for (const { kind, command } of loadCommands(view)) {
    if (kind === LC_SEGMENT_64) {
      const name = segmentName(view, command);
      const span = { offset: view.u64(command + 40), size: view.u64(command + SEGMENT_FILE_SIZE) };
      if (span.offset + span.size > file.length) throw malformed(`its segment ${name} ends behind the file`);
      if (name === '__TEXT') once('text', span);
      if (name === '__LINKEDIT') once('linkedit', { command, ...span });
    } else if (kind === LC_CODE_SIGNATURE) {
      once('signature', {
        command,
        offset: view.u32(command + 8),
        size: view.u32(command + SIGNATURE_SIZE),
      });
    } else if (kind === LC_BUILD_VERSION && view.u32(command + 8) === PLATFORM_MACOS) {
      once('minos', version(view.u32(command + 12)));
    }
  }
  const { text, linkedit, signature, minos } = found;
  if (text === undefined) throw malformed('it has no segment __TEXT');
  if (linkedit === undefined) throw malformed('it has no segment __LINKEDIT');
  if (minos === undefined) throw malformed('it does not say for which macOS it is');
  if (signature === undefined) {
    throw new MachOError('ERR_MACH_O_UNSIGNED', 'it has no load command for a signature');
  }
  checkEnd(file.length, linkedit, signature);
  return { arch, oldestMacos: minos, text, linkedit, signature };
}

/**
 * The signature ends __LINKEDIT, and that ends the file: codesign's strict validation refuses all else. It begins at a
 * multiple of 16, where codesign_allocate and every linker put it.
 */
function checkEnd(length: number, linkedit: Span, signature: Span): void {
  const end = signature.offset + signature.size;
  if (end !== length || linkedit.offset + linkedit.size !== length || signature.offset < linkedit.offset) {
    throw new MachOError(
      'ERR_MACH_O_UNSIGNED',
      `its signature (${signature.offset} to ${end}) does not end __LINKEDIT (${linkedit.offset} to ` +
        `${linkedit.offset + linkedit.size}) and the file (${length})`,
    );
  }
  if (signature.offset % 16 !== 0) {
    throw new MachOError(
      'ERR_MACH_O_UNSIGNED',
      `its signature begins at ${signature.offset}, not at a multiple of 16`,
    );
  }
}

/** Each load command: its kind, and where it stands. */
function* loadCommands(view: BoundedView): Generator<{ readonly kind: number; readonly command: number }> {
  const count = view.u32(16);
  const end = HEADER + view.u32(20);
  let at = HEADER;
  for (let i = 0; i < count; i++) {
    const size = view.u32(at + 4);
    if (size < 8 || size % 8 !== 0 || at + size > end) {
      throw malformed(`its load command ${i} has ${size} bytes, at ${at}; the last one ends at ${end}`);
    }
    const kind = view.u32(at);
    const least = { [LC_SEGMENT_64]: 72, [LC_CODE_SIGNATURE]: 16, [LC_BUILD_VERSION]: 24 }[kind] ?? 8;
    if (size < least) throw malformed(`its load command ${i} has ${size} bytes, not ${least}`);
    yield { kind, command: at };
    at += size;
  }
  if (at !== end) throw malformed(`its load commands end at ${at}, not at ${end}`);
}

/** `char segname[16]`: NUL follows only where there is room. */
function segmentName(view: BoundedView, command: number): string {
  return Buffer.from(view.bytes(command + 8, 16))
    .toString('latin1')
    .replace(/\0.*$/s, '');
}

/** `xxxx.yy.zz` in nibbles; nobody names the third. */
function version(packed: number): string {
  return `${packed >>> 16}.${(packed >>> 8) & 0xff}`;
}
