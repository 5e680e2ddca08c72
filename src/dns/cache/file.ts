/**
 * A file that is whole, or of no use. It holds
 *
 *      0  'SNET' and the kind of its contents, 4 ASCII letters
 *      8  u32  version of the contents' form
 *     12  f64  when it was written: milliseconds of the Unix epoch
 *     20  contents
 *     -4  u32  CRC-32 of all before it
 *
 * in network order. Nobody but its owner may write to it or to its directory: who can, decides where names lead to.
 */
import { constants, type Stats } from 'node:fs';
import { lstat, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { SnetError } from '../../base/errors.ts';
import { makeOwnFolder, replaceFile } from '../../base/replace_file.ts';

export type KeptFileStatus =
  /** It can't be written, or can't be read. */
  | 'ERR_DNS_CACHE_FILE'
  /** It is damaged, of another version, or no such file at all. */
  | 'ERR_DNS_CACHE_FORMAT';

export class KeptFileError extends SnetError<KeptFileStatus> {}

/** What a file holds: 4 letters and a version, which changes with every change of form. */
export interface Contents {
  readonly kind: string;
  readonly version: number;
}

export interface KeptFile {
  /** Milliseconds of the Unix epoch. */
  readonly written: number;
  readonly contents: Buffer;
}

const HEADER = 20;
const TRAILER = 4;
/** Between two of these somebody else may run. */
const READ_SIZE = 1 << 18;

/** O_NONBLOCK: a FIFO in the file's place must not make us wait for its other end. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Writes a file in the place of the one that was there; if it fails, that one is still there. Its directory is made if it
 * isn't there, for its owner alone. Two must not write one file at the same time.
 *
 * @param parts are asked for one at a time: each is written before the next is made, and may then be used again
 * @throws KeptFileError
 */
export async function writeKept(
  path: string,
  contents: Contents,
  written: number,
  parts: Iterable<Uint8Array>,
): Promise<void> {
  try {
    await makeOwnFolder(dirname(path));
    await replaceFile(path, sealed(contents, written, parts));
  } catch (cause) {
    throw new KeptFileError('ERR_DNS_CACHE_FILE', `${path} can't be written`, { cause });
  }
}

function* sealed(
  { kind, version }: Contents,
  written: number,
  parts: Iterable<Uint8Array>,
): Generator<Uint8Array, void, undefined> {
  const header = Buffer.alloc(HEADER);
  header.write(`SNET${kind}`, 'latin1');
  header.writeUInt32BE(version, 8);
  header.writeDoubleBE(written, 12);
  yield header;
  let sum = crc32(header);
  for (const part of parts) {
    sum = crc32(part, sum);
    yield part;
  }
  const trailer = Buffer.alloc(TRAILER);
  trailer.writeUInt32BE(sum);
  yield trailer;
}

/**
 * @param most bytes; a longer file is none of ours
 * @returns undefined if there is no such file
 * @throws KeptFileError, which says why what is there is of no use
 */
export async function readKept(
  path: string,
  expected: Contents,
  most: number,
): Promise<KeptFile | undefined> {
  let bytes: Buffer;
  try {
    await checkFolder(dirname(path));
    await using file = await open(path, READ);
    bytes = await readWhole(file, most);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new KeptFileError('ERR_DNS_CACHE_FILE', `${path} can't be read`, { cause });
  }
  const fault = faultOf(bytes, expected);
  if (fault) throw new KeptFileError('ERR_DNS_CACHE_FORMAT', `${path} is of no use: ${fault}`);
  return { written: bytes.readDoubleBE(12), contents: bytes.subarray(HEADER, bytes.length - TRAILER) };
}

async function checkFolder(folder: string): Promise<void> {
  const stats = await lstat(folder);
  if (!stats.isDirectory()) throw new Error(`${folder} is no directory`);
  checkOwner(stats, folder);
}

function checkOwner({ uid, mode }: Stats, what: string): void {
  if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) throw new Error(`others may write to ${what}`);
}

async function readWhole(file: FileHandle, most: number): Promise<Buffer> {
  const stats = await file.stat();
  if (!stats.isFile()) throw new Error('it is no regular file');
  checkOwner(stats, 'it');
  if (stats.size > most) throw new Error(`it is longer than ${most} bytes`);
  const bytes = Buffer.alloc(stats.size);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, Math.min(READ_SIZE, bytes.length - length));
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}

/** Why it is not what is expected; undefined if it is. */
function faultOf(bytes: Buffer, { kind, version }: Contents): string | undefined {
  if (bytes.length < HEADER + TRAILER) return 'it is cut short';
  if (bytes.toString('latin1', 0, 8) !== `SNET${kind}`) return 'it is another kind of file';
  const found = bytes.readUInt32BE(8);
  if (found !== version) return `it is of version ${found}, not ${version}`;
  const end = bytes.length - TRAILER;
  return crc32(bytes.subarray(0, end)) === bytes.readUInt32BE(end) ? undefined : 'it is damaged';
}
