/** pf's redirect on a Mac made of a file: its life and its death, with proofs that ask what pf would do. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silent, type Log } from '../../../src/base/log.ts';
import type { Runner } from '../../../src/base/runner.ts';
import { parseAddress, type Endpoint } from '../../../src/net/address.ts';
import { pfFiles, type PfFiles } from '../../../src/redirect/pf/names.ts';
import { createPf, type PfRedirect, type RuleProofs } from '../../../src/redirect/pf/pf.ts';
import { cleanPf, undoPfAfter } from '../../../src/redirect/pf/undo.ts';
import type { RedirectPlan } from '../../../src/redirect/redirect.ts';
import { createFakeClock, type FakeClock } from '../../base/fake_clock.ts';
import { rangesFrom } from '../../net/ranges_from.ts';
import { FakeGuardians } from '../../redirect/guardian/fake_guardians.ts';
import { FakeMac, FOLDERS, type MacProcess, type NumberedCall, type Fault } from './fake_mac.ts';
import type { MacState } from './mac_state.ts';
import type { Packet } from './pf_evaluate.ts';
import { fateOf } from './pf_kernel.ts';

export const PORT = 1111;
export const GID = 7777;

export const planFor = (...cidrs: string[]): RedirectPlan => ({
  port: PORT,
  dns: 1053,
  linkLocalDns: undefined,
  gid: GID,
  ipv6: true,
  bypass: rangesFrom(...cidrs),
});
export const PLAN = planFor('10.0.0.0/8', '192.0.2.0/24', 'fc00::/7', '2001:db8::/32');
export const NEXT = planFor('10.0.0.0/8', '223.5.5.0/24', '2400:3200::/32');

/** A process of snet with its rules. */
export interface Life {
  readonly redirect: PfRedirect;
  readonly process: MacProcess;
  readonly guardians: FakeGuardians;
  readonly clock: FakeClock;
}

export interface LifeOptions {
  readonly fault?: (call: NumberedCall) => Fault | undefined;
  readonly hold?: (call: NumberedCall) => Promise<void> | undefined;
  readonly reloadPfConf?: boolean;
  readonly ipv6Fallback?: 'block' | 'direct';
  /** Families that never come, whatever the rules. */
  readonly deaf?: readonly (4 | 6)[];
  readonly log?: Log;
}

export class PfStage implements Disposable {
  readonly mac: FakeMac;
  readonly files: PfFiles;
  /** What is to be there in the end. */
  readonly before: unknown;
  readonly #folder: string;

  constructor(change?: (state: MacState) => void) {
    this.mac = FakeMac.create(change);
    this.#folder = mkdtempSync(join(FOLDERS, 'snet-pf-'));
    this.files = pfFiles(join(this.#folder, 'run'));
    this.before = this.mac.held();
  }

  [Symbol.dispose](): void {
    this.mac[Symbol.dispose]();
    rmSync(this.#folder, { recursive: true });
  }

  begin({
    fault = () => undefined,
    hold = () => undefined,
    reloadPfConf = false,
    ipv6Fallback = 'block',
    deaf = [],
    log = silent,
  }: LifeOptions = {}): Life {
    const guardians = new FakeGuardians();
    const clock = createFakeClock();
    const process = this.mac.process({ fault, hold, beyond: guardians });
    const redirect = createPf({
      runner: process,
      log,
      proofs: askingPf(this.mac, deaf),
      ipv6Fallback,
      reloadPfConf,
      folder: this.files.folder,
      clock,
      ownAddresses: () => [parseAddress('192.168.1.5')!],
    });
    return { redirect, process, guardians, clock };
  }

  /** What the guardian of a life that has ended does. */
  guard(runner: Runner = this.mac.process(), owner: number = process.pid): Promise<void> {
    return undoPfAfter(runner, owner, this.files);
  }

  /** From now on what is in the file of the state was another process's, which runs no more. */
  disown(pid: number): void {
    const state = JSON.parse(readFileSync(this.files.state, 'utf8')) as object;
    writeFileSync(this.files.state, JSON.stringify({ ...state, owner: pid }));
    this.mac.change(({ processes }) => void (processes[pid] = ''));
  }

  clean(runner: Runner = this.mac.process()): Promise<string[]> {
    return cleanPf(runner, this.files);
  }
}

/** A proof comes to us if pf redirects it to our listener. */
function askingPf(mac: FakeMac, deaf: readonly (4 | 6)[]): RuleProofs {
  const destinations = ['192.0.2.254', '2001:db8::c000:2fe'].map((text) => endpoint(text, 9));
  return {
    destinations,
    run: (families) =>
      Promise.resolve(
        new Map(
          families.map((family) => {
            const destination = destinations.find(({ address }) => address.family === family)!;
            const came = !deaf.includes(family) && reaches(mac, connecting(destination)) === PORT;
            return [family, came ? 'caught' : 'missed'];
          }),
        ),
      ),
  };
}

/** The port of ours that it comes to; undefined: none. */
export function reaches(mac: FakeMac, packet: Packet): number | undefined {
  const fate = fateOf(mac.state, packet);
  return fate.what === 'redirected' ? fate.to.port : undefined;
}

/** The first packet of a program that is none of ours. */
export function connecting(destination: Endpoint, more: Partial<Packet> = {}): Packet {
  const source = destination.address.family === 4 ? '192.168.1.5' : '2001:db8:1::5';
  return {
    protocol: 'tcp',
    source: endpoint(source, 50_000),
    destination,
    interface: 'en0',
    user: 501,
    group: 20,
    ...more,
  };
}

export function endpoint(text: string, port: number): Endpoint {
  return { address: parseAddress(text)!, port };
}
