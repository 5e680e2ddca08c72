/** Which addresses the machine has. */
import { networkInterfaces } from 'node:os';

/** Whether the machine has an address, given as text, with or without a zone. */
export type HasAddress = (text: string) => boolean;

/** @returns what tells of the addresses of this moment */
export function localAddresses(interfaces: typeof networkInterfaces = networkInterfaces): HasAddress {
  const all = Object.values(interfaces()).flatMap((addresses = []) => addresses);
  const known = new Set(all.map(({ address }) => withoutZone(address)));
  return (text) => known.has(withoutZone(text));
}

function withoutZone(address: string): string {
  return address.replace(/%.*$/, '');
}
