/** A resolver with a name that tests may move. */
import { writeFile } from 'node:fs/promises';
import { startDnsmasq } from './dnsmasq.ts';
import type { Netns } from './netns.ts';

export interface Resolver extends AsyncDisposable {
  /** From now on, the one name it knows has this address. */
  point(name: string, address: string): Promise<void>;
}

/**
 * Starts dnsmasq, which knows no name yet and asks nobody.
 * @param file that it may keep its names in
 */
export async function startResolver(ns: Netns, address: string, file: string): Promise<Resolver> {
  await writeFile(file, '');
  const more = [`--addn-hosts=${file}`];
  const dnsmasq = await startDnsmasq(ns, { listen: [address], ttl: 1, more });
  await dnsmasq.says(/read .* names/);
  return {
    async point(name, address) {
      const since = dnsmasq.said().length;
      await writeFile(file, `${address} ${name}\n`);
      dnsmasq.signal('SIGHUP');
      await dnsmasq.says(/read .* names/, since);
    },
    [Symbol.asyncDispose]: () => dnsmasq[Symbol.asyncDispose](),
  };
}
