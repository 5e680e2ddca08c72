/** Which addresses the machine has at the moment, loopback's among them. */
import { networkInterfaces } from 'node:os';
import { formatAddress, parseAddress, type Address } from './address.ts';

/** Whether the machine has an address, given as text, with or without a zone. */
export type HasAddress = (text: string) => boolean;

/** Each once, without its zone, in the order of the interfaces. */
export function localAddresses(interfaces: typeof networkInterfaces = networkInterfaces): Address[] {
  const found = new Map<string, Address>();
  for (const { address: text } of Object.values(interfaces()).flatMap((list = []) => list)) {
    const address = parseWithoutZone(text);
    if (address) found.set(formatAddress(address), address);
  }
  return [...found.values()];
}

/** @returns what tells of the addresses of this moment */
export function askLocalAddresses(interfaces: typeof networkInterfaces = networkInterfaces): HasAddress {
  const known = new Set(localAddresses(interfaces).map(formatAddress));
  return (text) => {
    const address = parseWithoutZone(text);
    return address !== undefined && known.has(formatAddress(address));
  };
}

function parseWithoutZone(text: string): Address | undefined {
  return parseAddress(text.replace(/%.*$/, ''));
}
