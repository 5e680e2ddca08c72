/** Targets whose name is known for sure are asked for by name, where the upstream wants that. Its own log is the witness. */
import { expect, test } from 'bun:test';
import { startDnsmasq } from '../lab/dnsmasq.ts';
import { eventually } from '../lab/eventually.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import type { Identity } from '../lab/proxies.ts';
import { PORTS } from '../lab/services.ts';
import { startSnet } from '../lab/snet.ts';
import {
  CHINA_RESOLVER,
  CHINA_ZONES,
  configure,
  placeResolvers,
  TRUSTED,
  TRUSTED_ZONES,
} from '../lab/two_sides.ts';
import { KIND_NEEDS, KINDS, LOGIN } from '../lab/upstream_kinds.ts';
import { upstreamsForAll } from '../lab/upstreams_for_all.ts';
import { describeNeeding } from '../needs.ts';

const NAME = 'www.news.example';
const OTHER = 'other.news.example';

interface Row {
  readonly kind: string;
  /** How the server's log says that it was sent to a host. */
  readonly says: (host: string) => string;
  /** undefined: that of the kind. */
  readonly upstream?: (identity: Identity) => object;
}

const connect = (host: string) => `CONNECT ${host}:${PORTS.http} `;

const ROWS: readonly Row[] = [
  { kind: 'http, squid', says: connect },
  { kind: 'http, tinyproxy', says: connect },
  // Dante's log has addresses only.
  { kind: 'socks5, microsocks', says: (host) => `connected to ${host}:${PORTS.http}` },
  {
    kind: 'tls, snet server',
    says: (host) => `target=${host}:${PORTS.http} `,
    upstream({ pin }) {
      const names = { type: 'tls', token: LOGIN.password, names: true };
      return { ...names, server: FAR.v4, port: 8443, tls: { pin } };
    },
  },
];

const NEEDS = ['root', 'ip', 'curl', 'nft', 'ss', 'openssl', 'dnsmasq', ...KIND_NEEDS];

describeNeeding(NEEDS, 'an upstream', () => {
  const lab = upstreamsForAll(async ({ internet }, undo) => {
    await placeResolvers(internet);
    const sides = [
      [CHINA_RESOLVER, CHINA_ZONES],
      [TRUSTED, TRUSTED_ZONES],
    ] as const;
    for (const [{ v4, v6 }, zones] of sides)
      undo.use(await startDnsmasq(internet.world, { listen: [v4, v6], zones }));
    await internet.far.resolveAt(TRUSTED.v4);
  });

  test.each([...ROWS])('$kind: by name where one is known for sure, else by address', async (row) => {
    const kind = KINDS.find(({ name }) => name === row.kind)!;
    await using far = await lab.startFar(kind);
    const upstream = row.upstream?.(lab.identity) ?? kind.upstream(lab.identity);
    const file = await configure(lab.folder.path, {}, { upstream });
    await using _snet = await startSnet(lab.internet.client, ['-c', file], { dns: true });
    /** What the server is asked for when the client fetches a page. */
    const asked = async (host: string) => {
      const before = (await far.log()).length;
      expect([FAR.v4, FAR.v6]).toContain((await lab.shell(`curl -4sS ${url(host)}`)).trim());
      return eventually('the server to say so', async () => {
        const log = (await far.log()).slice(before);
        return [NAME, OTHER, ABROAD.v4].find((one) => log.includes(row.says(one)));
      });
    };
    expect(await asked(ABROAD.v4)).toBe(ABROAD.v4);
    expect(await asked(NAME)).toBe(NAME);
    // The address was given for one name, whoever uses it now.
    expect(await asked(ABROAD.v4)).toBe(NAME);
    expect(await asked(OTHER)).toBe(ABROAD.v4);
    expect(await asked(NAME)).toBe(ABROAD.v4);
  });
});
