/** The mechanism on a fake Mac: with guardians that are only counted, and proofs that ask the fake's own rules. */
import { afterEach, beforeEach } from 'bun:test';
import { silent, type Fields, type Log } from '../../../src/base/log.ts';
import { formatEndpoint, parseAddress, type Endpoint } from '../../../src/net/address.ts';
import { pfFiles } from '../../../src/redirect/pf/names.ts';
import { createPf, type PfOptions, type RuleProofs } from '../../../src/redirect/pf/pf.ts';
import type { RedirectPlan } from '../../../src/redirect/redirect.ts';
import { createFakeClock } from '../../base/fake_clock.ts';
import { FakeMac, type ProcessOptions } from '../../lab/mac/fake_mac.ts';
import type { Packet } from '../../lab/mac/pf_evaluate.ts';
import { fateOf } from '../../lab/mac/pf_kernel.ts';
import { folderForEach } from '../../lab/folder.ts';
import { rangesFrom } from '../../net/ranges_from.ts';
import { FakeGuardians } from '../guardian/fake_guardians.ts';

export const planFor = (...cidrs: string[]): RedirectPlan => ({
  port: 1111,
  dns: 1053,
  linkLocalDns: undefined,
  gid: 7777,
  ipv6: true,
  bypass: rangesFrom('192.0.2.0/24', '2001:db8::/32', ...cidrs),
});
export const PLAN = planFor('10.0.0.0/8', 'fc00::/7');
export const NEXT = planFor('1.2.4.0/24', '2400::/12');

export const at = (host: string, port: number): Endpoint => ({ address: parseAddress(host)!, port });
const ABROAD = at('93.184.216.34', 443);

export type Proof = 'caught' | 'missed' | 'no route';

export class OnMac {
  readonly mac = FakeMac.create();
  readonly guardians = new FakeGuardians();
  readonly clock = createFakeClock();
  /** `warn: what key=value`, of all levels but debug. */
  readonly said: string[] = [];
  /** Families that were to be proven, each time. */
  readonly proofs: (readonly (4 | 6)[])[] = [];
  /** Undefined: what the rules of the Mac would do. */
  proof: (family: 4 | 6) => Proof | undefined = () => undefined;
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get files() {
    return pfFiles(this.folder);
  }

  get log(): Log {
    const say =
      (level: string) =>
      (message: string, fields: Fields = {}) => {
        const rest = Object.entries(fields).filter(([, value]) => value !== undefined);
        this.said.push([`${level}: ${message}`, ...rest.map(([key, value]) => `${key}=${value}`)].join(' '));
      };
    return { ...silent, error: say('error'), warn: say('warn'), info: say('info') };
  }

  process(options: ProcessOptions = {}) {
    return this.mac.process({ beyond: this.guardians, ...options });
  }

  /** @param options of the process that runs its programs */
  pf(more: Partial<PfOptions> = {}, options: ProcessOptions = {}) {
    const { log, clock, folder } = this;
    return createPf({
      runner: this.process(options),
      log,
      clock,
      folder,
      proofs: this.#proofs,
      ipv6Fallback: 'block',
      reloadPfConf: false,
      ownAddresses: () =>
        Object.values(this.mac.state.interfaces).flatMap((list) => list.map((text) => parseAddress(text)!)),
      ...more,
    });
  }

  get #proofs(): RuleProofs {
    const destinations = [at('192.0.2.254', 9), at('2001:db8::254', 9)];
    return {
      destinations,
      run: async (families) => {
        this.proofs.push(families);
        await Promise.resolve();
        return new Map(
          families.map((family) => {
            const destination = destinations.find(({ address }) => address.family === family)!;
            const found = this.fate({ destination });
            return [family, this.proof(family) ?? (found.endsWith(':1111') ? 'caught' : 'missed')];
          }),
        );
      },
    };
  }

  /** What becomes of a stranger's connection, in a word. */
  fate(more: Partial<Packet> = {}): string {
    const destination = more.destination ?? ABROAD;
    const packet: Packet = {
      protocol: 'tcp',
      source: at(destination.address.family === 4 ? '192.168.1.5' : '2a00::5', 50_000),
      destination,
      interface: 'en0',
      user: 501,
      group: 20,
      ...more,
    };
    const found = fateOf(this.mac.state, packet);
    return found.what === 'redirected' ? formatEndpoint(found.to) : found.what;
  }
}

/** Another for each test. */
export function macForEach(): () => OnMac {
  const folder = folderForEach();
  let on: OnMac | undefined;
  beforeEach(() => {
    on = new OnMac(folder.file('run'));
  });
  afterEach(() => on?.mac[Symbol.dispose]());
  return () => on!;
}
