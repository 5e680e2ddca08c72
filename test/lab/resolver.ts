/** A resolver that nobody here wrote, with names that tests may change. */
import { writeFile } from 'node:fs/promises';
import type { Netns } from './netns.ts';
import { start } from './program.ts';

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
  const alone = [
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
    '--no-daemon',
    '--user=root',
    '--pid-file=',
  ];
  const names = [`--addn-hosts=${file}`, '--local-ttl=1'];
  const dnsmasq = start(ns, [
    'dnsmasq',
    ...alone,
    ...names,
    `--listen-address=${address}`,
    '--bind-interfaces',
  ]);
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
