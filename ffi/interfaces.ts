/** Network interfaces by name. */
import { libc } from './libc.ts';

/** @returns the index by which sockets know it; 0 if there is none of that name */
export function interfaceIndex(name: string): number {
  return name.includes('\0') ? 0 : libc.if_nametoindex(new TextEncoder().encode(`${name}\0`));
}
