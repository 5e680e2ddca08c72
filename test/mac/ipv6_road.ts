/**
 * A way out for IPv6, on a machine that has none, as GitHub's runners: an address of documentation (RFC 3849), and routes
 * by a gateway that isn't there. What pf catches never gets as far as the gateway. There is no default route among them:
 * the runner's own program must go on being refused at once, and take IPv4.
 */
import type { Ended } from './program.ts';
import { NotHere } from './steps.ts';

const ADDRESS = '2001:db8:5e7::2';
const GATEWAY = '2001:db8:5e7::1';
/** Where snet's own proof goes. */
const DOCUMENTATION = '2001:db8::/32';

export interface Road {
  /** @throws NotHere if there is one; Error if it can't be made */
  make(): Promise<string>;
  isThere(): Promise<boolean>;
  /** Takes out what `make` has put in. */
  remove(): Promise<void>;
}

/** @param destination that must be reached, and the block that gets a route */
export function roadOfIpv6(
  run: (argv: readonly string[]) => Promise<Ended>,
  destination: string,
  block: string,
): Road {
  const undo: string[][] = [];
  const isThere = async () =>
    interfaceIn((await run(['route', '-n', 'get', '-inet6', destination])).said) !== undefined;
  const must = async (argv: readonly string[]) => {
    const { code, said } = await run(argv);
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${said.trim()}`);
  };
  return {
    isThere,
    async make() {
      if (await isThere()) throw new NotHere('there is one');
      const by = interfaceIn((await run(['route', '-n', 'get', 'default'])).said);
      if (by === undefined) throw new Error('there is no default route for IPv4 either');
      await must(['ifconfig', by, 'inet6', ADDRESS, 'prefixlen', '64', 'alias']);
      undo.unshift(['ifconfig', by, 'inet6', ADDRESS, '-alias']);
      for (const net of [block, DOCUMENTATION]) {
        await must(['route', '-n', 'add', '-inet6', '-net', net, GATEWAY]);
        undo.unshift(['route', '-n', 'delete', '-inet6', '-net', net, GATEWAY]);
      }
      return `${ADDRESS} on ${by}, by ${GATEWAY}`;
    },
    async remove() {
      for (const argv of undo.splice(0)) await run(argv);
    },
  };
}

/** `  interface: en0`, of `route -n get`; a route to nowhere goes by lo0 (reject routes are made so). */
export function interfaceIn(said: string): string | undefined {
  const name = /^\s*interface: (\S+)$/m.exec(said)?.[1];
  return name === 'lo0' ? undefined : name;
}
