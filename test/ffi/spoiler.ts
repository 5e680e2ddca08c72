/** Has C write more than there is room for: `struct rlimit` has 16 bytes. What guarded_memory.ts must see. */
import { libc } from '../../ffi/libc.ts';
import { Pinned } from '../../ffi/memory.ts';

const RLIMIT_NOFILE = process.platform === 'darwin' ? 8 : 7;
const tooSmall = new Pinned(12);
process.stdout.write(String(libc.getrlimit(RLIMIT_NOFILE, tooSmall.bytes)));
