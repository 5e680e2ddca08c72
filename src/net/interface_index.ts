/** Interfaces by name. */
import { networkInterfaces } from 'node:os';

/** @returns its index, by which sockets know it; 0 if there is none with a link-local address by now */
export function interfaceIndex(name: string): number {
  const addresses = networkInterfaces()[name] ?? [];
  return addresses.find(({ scopeid = 0 }) => scopeid !== 0)?.scopeid ?? 0;
}
