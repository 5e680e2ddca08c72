/**
 * The demo's small Internet, as data: three network namespaces and two wires.
 *
 *      client                        origin                         server
 *   ┌────────────┐        ┌───────────────────────────┐        ┌─────────────┐
 *   │ snet run   │        │ in China   223.5.5.5      │        │ Shadowsocks │
 *   │ fetches    │ client │            2400:3200::1   │ server │ server      │
 *   │     uplink ├────────┤ elsewhere  8.8.8.8        ├────────┤ uplink      │
 *   │ 192.0.2.2  │        │      2001:4860:4860::8888 │        │ 198.51.100.2│
 *   └────────────┘        └───────────────────────────┘        └─────────────┘
 *
 * The origin is the Internet: it holds the addresses that are fetched from and forwards between the two wires. So it
 * sees where a connection really came from. The wires' own nets are those that RFC 5737 and RFC 3849 keep for
 * documentation; nothing of this is reachable from outside of the namespaces, or reaches out of them.
 */

export const SITES = ['client', 'origin', 'server'] as const;
export type Site = (typeof SITES)[number];

/** One address of each IP version. */
export interface Pair {
  readonly v4: string;
  readonly v6: string;
}

/** Where the origin answers: addresses of public resolvers, whose countries are no secret. */
export const ORIGIN: { readonly china: Pair; readonly world: Pair } = {
  china: { v4: '223.5.5.5', v6: '2400:3200::1' },
  world: { v4: '8.8.8.8', v6: '2001:4860:4860::8888' },
};

/** The two wires, each between the origin and a site, whose net is `.1` and `.2` of these. */
const WIRES = [
  { site: 'client', v4: '192.0.2.', v6: '2001:db8:1::' },
  { site: 'server', v4: '198.51.100.', v6: '2001:db8:2::' },
] as const;

/** The sites' own addresses, which is what the origin sees. */
export const SITE_ADDRESS: { readonly client: Pair; readonly server: Pair } = {
  client: addressOf('client', 2),
  server: addressOf('server', 2),
};

/** What to run, and what to give it on stdin. */
export interface Command {
  readonly argv: readonly string[];
  readonly stdin?: string;
}

/** Name of a site's namespace; `owner` is the pid of the demo that it belongs to. */
export function namespaceOf(owner: number, site: Site): string {
  return `snet-demo-${owner}-${site}`;
}

/** The pid of the demo that a namespace belongs to; undefined if it is none of a demo. */
export function ownerOf(namespace: string): number | undefined {
  const match = /^snet-demo-([1-9]\d*)-(?:client|origin|server)$/.exec(namespace);
  return match ? Number(match[1]) : undefined;
}

/** The commands of iproute2 that build it all, in order. */
export function buildCommands(owner: number): Command[] {
  const inside = (site: Site) => namespaceOf(owner, site);
  return [
    ...SITES.map((site) => ({ argv: ['ip', 'netns', 'add', inside(site)] })),
    batch(
      ['ip', '-batch', '-'],
      WIRES.map(
        ({ site }) =>
          `link add uplink netns ${inside(site)} type veth peer name ${site} netns ${inside('origin')}`,
      ),
    ),
    batch(
      ['ip', '-n', inside('origin'), '-batch', '-'],
      [
        'link set lo up',
        ...[ORIGIN.china, ORIGIN.world].flatMap(({ v4, v6 }) => [
          `addr add ${v4}/32 dev lo`,
          `addr add ${v6}/128 dev lo nodad`,
        ]),
        ...WIRES.flatMap(({ site }) => wireEnd(site, addressOf(site, 1))),
      ],
    ),
    ...WIRES.map(({ site }) =>
      batch(
        ['ip', '-n', inside(site), '-batch', '-'],
        [
          'link set lo up',
          ...wireEnd('uplink', addressOf(site, 2)),
          `route add 0.0.0.0/0 via ${addressOf(site, 1).v4}`,
          `route add ::/0 via ${addressOf(site, 1).v6}`,
        ],
      ),
    ),
  ];
}

/** nodad: duplicate address detection would keep an IPv6 address unusable for a second. */
function wireEnd(device: string, { v4, v6 }: Pair): string[] {
  return [
    `addr add ${v4}/24 dev ${device}`,
    `addr add ${v6}/64 dev ${device} nodad`,
    `link set ${device} up`,
  ];
}

function addressOf(site: (typeof WIRES)[number]['site'], host: 1 | 2): Pair {
  const wire = WIRES.find((wire) => wire.site === site)!;
  return { v4: `${wire.v4}${host}`, v6: `${wire.v6}${host}` };
}

function batch(argv: readonly string[], lines: readonly string[]): Command {
  return { argv, stdin: `${lines.join('\n')}\n` };
}
