/** The addresses that this machine has at the moment. */
import { networkInterfaces } from 'node:os';
import { formatAddress, parseAddress, type Address } from '../../net/address.ts';

/**
 * Each once, in the order of their text: two lists of the same addresses are equal. pf has `(self)` for that, but in xnu it
 * is empty (pfi_table_update() in bsd/net/pf_if.c asks one interface, and "ALL" is none), and leaves out IPv6's temporary
 * addresses even where it works.
 */
export function ownAddresses(interfaces: typeof networkInterfaces = networkInterfaces): Address[] {
  const found = new Map<string, Address>();
  for (const list of Object.values(interfaces())) {
    for (const { address: text } of list ?? []) {
      const address = parseAddress(text.replace(/%.*$/, ''));
      if (address) found.set(formatAddress(address), address);
    }
  }
  return [...found.keys()].toSorted().map((text) => found.get(text)!);
}
