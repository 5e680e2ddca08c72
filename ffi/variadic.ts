/**
 * Prototypes of the two functions of the C library that are variadic and that we need, in a shape that is right on every
 * system, though the runtime's FFI knows no variadic functions. Both have two named arguments and get one more, which is
 * passed twice: as the third and as the ninth.
 *
 * The third is where every calling convention but one looks for it: rdx on x86-64, x2 on arm64. Apple's for arm64 has
 * variadic arguments on the stack only, in slots of eight bytes ("Writing ARM64 code for Apple platforms"), and the ninth
 * argument of a function that is not variadic is the first that no longer fits in x0 to x7: it lies in that very slot. All
 * that pads is eight bytes wide, since there what is smaller is packed. What a function does not look for is ignored: on
 * all of these systems the caller clears the stack.
 */

/** <sys/ioctl.h> `int ioctl(int fd, unsigned long request, ...)`, here with a pointer; musl has `int request` */
export const IOCTL = {
  args: ['i32', 'u64', 'ptr', 'u64', 'u64', 'u64', 'u64', 'u64', 'ptr'],
  returns: 'i32',
} as const;

/** <fcntl.h> `int fcntl(int fd, int cmd, ...)`, here with an int */
export const FCNTL = {
  args: ['i32', 'i32', 'u64', 'u64', 'u64', 'u64', 'u64', 'u64', 'u64'],
  returns: 'i32',
} as const;
