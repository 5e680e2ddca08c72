/** resolv.conf(5), as far as it says whom to ask. */
import { isLinkLocal, parseAddress, type Address } from '../net/address.ts';

/** The nameservers in their order, each once. All other lines, and addresses that are none, mean nothing here. */
export function parseResolvConf(text: string): Address[] {
  const found = new Map<string, Address>();
  for (const line of text.split('\n')) {
    // res_init(3) takes the keyword at the start of a line only.
    const value = /^nameserver[ \t]+([^ \t\r;#]+)/.exec(line)?.[1];
    if (value === undefined || found.has(value)) continue;
    const [, host, zone] = /^([^%]*)(?:%(.+))?$/.exec(value) ?? [];
    const address = parseAddress(host ?? '');
    // As the C library has it, other addresses than link-local ones have no use for a zone.
    if (address)
      found.set(value, zone !== undefined && isLinkLocal(address) ? { ...address, zone } : address);
  }
  return [...found.values()];
}
