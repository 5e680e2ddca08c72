/** What an executable for the other system would hold of this folder, and with which numbers: those that can't be tried here. */
import { describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';

const FFI = new URL('../../ffi/', import.meta.url).pathname;
/**
 * Entry points keep all that they export. The first is the one that all others import; the second is Linux's alone, and who
 * imports it there is not this folder's business.
 */
const NO_ENTRY = ['libc.ts', 'netlink.ts'];

/** What of ffi/ the compiler leaves for a system. */
async function bundled(platform: 'linux' | 'darwin'): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: readdirSync(FFI)
      .filter((name) => !NO_ENTRY.includes(name))
      .map((name) => FFI + name),
    target: 'bun',
    define: { 'process.platform': JSON.stringify(platform) },
    minify: { syntax: true },
  });
  return (await Promise.all(outputs.map((output) => output.text()))).join('\n');
}

const LINUX = ['__errno_location', 'libc.so.6', 'ld-musl', '/proc/', 'libcrypto.so'];
const DARWIN = ['libSystem', '__error:', '__ioctl', '__fcntl'];

describe.each([
  ['linux', LINUX, DARWIN],
  ['darwin', DARWIN, LINUX],
] as const)('what is for %s', (platform, own, others) => {
  test('has all that it needs there, and nothing of the other system', async () => {
    const text = await bundled(platform);
    const has = (word: string) => text.includes(word);
    expect(own.filter((word) => !has(word))).toEqual([]);
    expect(others.filter(has)).toEqual([]);
  });
});

/** xnu bsd/sys/filio.h, fcntl.h, resource.h, socket.h */
test.each([
  ['FIONREAD', 0x4004667f],
  ['O_NONBLOCK', 4],
  ['RLIMIT_NOFILE', 8],
  ['SOL_SOCKET', 0xffff],
  ['AT_ONCE', '!1'],
])('%s is what macOS has', async (name, value) => {
  const text = await bundled('darwin');
  const found = [...text.matchAll(new RegExp(`\\b${name} = ([^,;\\n]+)`, 'g'))].map(([, number]) => number);
  expect(new Set(found)).toEqual(new Set([String(value)]));
});
