/** The machine's router as a resolver with a link-local address, which is how many announce themselves (RFC 8106). */
import { eventually } from './eventually.ts';
import type { Netns } from './netns.ts';
import type { Program } from './program.ts';
import { startUnbound } from './unbound.ts';

/** As the client sees it. */
export const LINK_LOCAL = 'fe80::53%uplink';
/** What it says of the tests' names. */
export const ROUTER = '192.0.2.7';
/** What it says of names of the local network, and of one for which no datagram has room. */
export const NEAR = '192.168.7.78';
export const CROWD = Array.from({ length: 100 }, (_, n) => `192.168.8.${n + 100}`);

/** @param file that it may keep its configuration in */
export async function startRouter(world: Netns, client: Netns, file: string): Promise<Program> {
  await world.batch(['addr add fe80::53/64 dev client nodad']);
  const router = await startUnbound(world, {
    file,
    addresses: ['fe80::53%client'],
    zones: { example: ROUTER, lan: NEAR },
    more: CROWD.map((address) => `local-data: "crowd.home.arpa. 60 IN A ${address}"`),
  });
  // The client's own link-local address is not good before nobody else has claimed it (RFC 4862 §5.4).
  await eventually('the router to answer', async () => {
    const { code } = await client.run(['dig', '+tries=1', '+time=1', `@${LINK_LOCAL}`, 'www.example']);
    return code === 0;
  });
  return router;
}
