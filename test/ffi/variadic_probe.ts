/**
 * Calls functions of machine code that note down what they got, and where, through the prototypes of ffi/variadic.ts; then
 * the real ioctl and fcntl. Hot: the engine compiles a caller anew several times, and each compiler lays out calls.
 *
 * argv: how many rounds; stdout: {@link Outcome} as JSON
 */
import { CFunction, dlopen, type Pointer } from 'bun:ffi';
import { SystemError } from '../../ffi/errno.ts';
import { settle } from '../../ffi/fcntl.ts';
import { FIONREAD, PADDED, whyLost, type Ioctl } from '../../ffi/ioctl.ts';
import { libc } from '../../ffi/libc.ts';
import { pinForever } from '../../ffi/memory.ts';
import { DIOCNATLOOK, SIZEOF_PFIOC_NATLOOK } from '../../ffi/pf_natlook.ts';
import { socketPair } from '../../ffi/socketpair.ts';
import { FCNTL, IOCTL } from '../../ffi/variadic.ts';

export interface Outcome {
  readonly arch: string;
  readonly rounds: number;
  readonly wrong: Readonly<Record<string, number>>;
  /**
   * How often, of 2000 times, the self-test said that the pointer got lost: as we pass it, and where the stack has none, or
   * that of other memory, as it is when the pointer is passed in a register alone.
   */
  readonly lost: { readonly padded: number; readonly none: number; readonly other: number };
}

/** What the code notes down: four words of 64 bits. */
const notes = pinForever(32);
const noted = new BigUint64Array(notes.bytes.buffer);

/** How often the self-test runs, each way. */
const SELF_TESTS = 2000;

const [FIRST, SECOND, THIRD, NINTH] = [0, 1, 2, 3] as const;

/** The address of the notes, as it stands in the code. */
const NOTES = Buffer.from(BigUint64Array.of(BigInt(notes.address)).buffer).toString('hex');

/** System V AMD64 psABI §3.2.3: rdi, rsi, rdx, rcx, r8, r9, then the stack above the return address. */
const X64 = [
  ['48b8', NOTES], // movabs rax, notes
  ['488938'], //      mov [rax], rdi
  ['48897008'], //    mov [rax+8], rsi
  ['48895010'], //    mov [rax+16], rdx
  ['488b4c2418'], //  mov rcx, [rsp+24]
  ['48894818'], //    mov [rax+24], rcx
  ['31c0', 'c3'], //  xor eax, eax; ret
];
/** AAPCS64 §6.8.2: x0 to x7, then the stack from sp on. */
const ARM64 = [
  ['c9000058'], // ldr x9, [pc, #24]
  ['200500a9'], // stp x0, x1, [x9]
  ['ea0340f9'], // ldr x10, [sp]
  ['222901a9'], // stp x2, x10, [x9, #16]
  ['00008052'], // mov w0, #0
  ['c0035fd6'], // ret
  [NOTES],
];

/**
 * An ioctl that looks for its pointer only where Apple's for arm64 does, and then enters the kernel, which returns errno as
 * a negative number: linux/arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h.
 */
const X64_STACK = [
  ['488b542418'], //   mov rdx, [rsp+24]
  ['b810000000'], //   mov eax, 16
  ['0f05', 'c3'], //   syscall; ret
];
const ARM64_STACK = [
  ['e20340f9'], // ldr x2, [sp]
  ['a80380d2'], // mov x8, #29
  ['010000d4'], // svc #0
  ['c0035fd6'], // ret
];

/** sys/mman.h: PROT_READ | PROT_WRITE, and PROT_READ | PROT_EXEC; MAP_PRIVATE | MAP_ANONYMOUS */
const [WRITABLE, EXECUTABLE, PRIVATE] = [3, 5, 0x22] as const;
const PAGE = 65_536;

/** A page of its own for the code. @returns its address */
function loaded(listing: readonly (readonly string[])[]): Pointer {
  const code = Buffer.from(listing.flat().join(''), 'hex');
  const { mmap, mprotect, memcpy } = dlopen('libc.so.6', {
    mmap: { args: ['ptr', 'usize', 'i32', 'i32', 'i32', 'i64'], returns: 'ptr' },
    mprotect: { args: ['ptr', 'usize', 'i32'], returns: 'i32' },
    memcpy: { args: ['ptr', 'ptr', 'usize'], returns: 'ptr' },
  }).symbols;
  const page = mmap(null, PAGE, WRITABLE, PRIVATE, -1, 0);
  if (typeof page !== 'number') throw new Error('mmap failed');
  memcpy(page, code, code.length);
  if (mprotect(page, PAGE, EXECUTABLE) !== 0) throw new Error('mprotect failed');
  return page;
}

const isArm64 = process.arch === 'arm64';
const code = loaded(isArm64 ? ARM64 : X64);
const ioctl = CFunction({ ptr: code, ...IOCTL });
const fcntl = CFunction({ ptr: code, ...FCNTL });

const stackCode = loaded(isArm64 ? ARM64_STACK : X64_STACK);
const stackIoctl = CFunction({ ptr: stackCode, ...IOCTL });
const other = pinForever(SIZEOF_PFIOC_NATLOOK);

const result = (returned: number): number => {
  if (returned < 0) throw new SystemError('ioctl', -returned);
  return returned;
};
const ways: Readonly<Record<keyof Outcome['lost'], Ioctl>> = {
  padded: (fd, request, argument) => result(stackIoctl(fd, request, argument, 0, 0, 0, 0, 0, argument)),
  none: (fd, request, argument) => result(stackIoctl(fd, request, argument, 0, 0, 0, 0, 0, null)),
  other: (fd, request, argument) => result(stackIoctl(fd, request, argument, 0, 0, 0, 0, 0, other.bytes)),
};

const rounds = Number(process.argv[2]);
const wrong: Record<string, number> = {};
const expectSame = (what: string, seen: unknown, expected: unknown) => {
  if (seen !== expected) wrong[what] = (wrong[what] ?? 0) + 1;
};

const struct = pinForever(SIZEOF_PFIOC_NATLOOK);
const address = BigInt(struct.address);
/** Registers hold an int in their lower half; what is above is nobody's. */
const lower = (word: bigint | undefined) => Number((word ?? 0n) & 0xffff_ffffn);

for (let i = 0; i < rounds; i++) {
  const fd = i & 0xff;
  noted.fill(0n);
  ioctl(fd, DIOCNATLOOK, struct.bytes, 0, 0, 0, 0, 0, struct.bytes);
  expectSame('ioctl fd', lower(noted[FIRST]), fd);
  expectSame('ioctl request', noted[SECOND], 0xc0544417n);
  expectSame('ioctl third', noted[THIRD], address);
  expectSame('ioctl ninth', noted[NINTH], address);

  noted.fill(0n);
  fcntl(fd, 4, i, 0, 0, 0, 0, 0, i);
  expectSame('fcntl command', lower(noted[SECOND]), 4);
  expectSame('fcntl third', noted[THIRD], BigInt(i));
  expectSame('fcntl ninth', noted[NINTH], BigInt(i));
  if (i % 20_000 === 0) Bun.gc(true);
}

const [near, far] = socketPair();
const count = new Uint32Array(new ArrayBuffer(4));
const countBytes = new Uint8Array(count.buffer);
let queued = 0;
for (let i = 0; i < rounds; i++) {
  if (i % 20_000 === 0) queued += Number(libc.send(far, new Uint8Array(31), 31, 0));
  count[0] = 0xdeadbeef;
  expectSame('FIONREAD', PADDED.ioctl(near, FIONREAD, countBytes), 0);
  expectSame('bytes queued', count[0], queued);
  if (i % 100 === 0) settle(near);
}
libc.close(near);
libc.close(far);

// A refusal tells of itself by errno.
try {
  PADDED.ioctl(-1, FIONREAD, countBytes);
  expectSame('a descriptor that is none', 'accepted', 'refused');
} catch (error) {
  expectSame('a descriptor that is none', (error as { code?: string }).code, 'EBADF');
}

expectSame('the real ioctl', whyLost(PADDED.ioctl), undefined);
const lost = { padded: 0, none: 0, other: 0 };
for (let i = 0; i < SELF_TESTS; i++) {
  for (const way of ['padded', 'none', 'other'] as const) {
    if (whyLost(ways[way]) !== undefined) lost[way]++;
  }
}

const outcome: Outcome = { arch: process.arch, rounds, wrong, lost };
process.stdout.write(JSON.stringify(outcome));
