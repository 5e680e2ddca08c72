/** resolv.conf(5), as far as it says whom to ask. */
import { parseAddress, type Address } from '../net/address.ts';

export interface Nameserver {
  readonly address: Address;
  /** The interface of a link-local address, RFC 4007 §11: `fe80::1%eth0`. */
  readonly zone: string | undefined;
}

/** The nameservers in their order, each once. All other lines, and addresses that are none, mean nothing here. */
export function parseResolvConf(text: string): Nameserver[] {
  const found = new Map<string, Nameserver>();
  for (const line of text.split('\n')) {
    // res_init(3) takes the keyword at the start of a line only.
    const value = /^nameserver[ \t]+([^ \t\r;#]+)/.exec(line)?.[1];
    if (value === undefined || found.has(value)) continue;
    const [, host, zone] = /^([^%]*)(?:%(.+))?$/.exec(value) ?? [];
    const address = parseAddress(host ?? '');
    if (address) found.set(value, { address, zone });
  }
  return [...found.values()];
}
