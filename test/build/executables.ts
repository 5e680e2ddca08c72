/** Executables that another linker made and signed; test/vectors/mach_o.json says which. */
import { gunzipSync } from 'node:zlib';
import vectors from '../vectors/mach_o.json';

const unpacked = (text: string) => new Uint8Array(gunzipSync(Buffer.from(text, 'base64')));

export const EXECUTABLES = { arm64: unpacked(vectors.files.arm64), x64: unpacked(vectors.files.x64) };
