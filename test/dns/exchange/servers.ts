/** Resolvers of a test's own on loopback, with a certificate that is good, and exchanges that ask them. */
import { afterAll, afterEach, beforeAll } from 'bun:test';
import { readFileSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import type { ResolverConfig } from '../../../src/config/dns_config.ts';
import { createExchange } from '../../../src/dns/exchange/create.ts';
import type { Exchange } from '../../../src/dns/exchange/exchange.ts';
import { resolverConfig } from '../../config/resolver_config.ts';
import { eventually } from '../../lab/eventually.ts';
import { createCertificates, type Certificates } from './certificates.ts';
import { openDirect, opened } from './open_direct.ts';

export interface Servers {
  /** What node:tls wants to know of a server. */
  readonly tls: { readonly key: Buffer; readonly cert: Buffer };
  /** PEM file of who has signed its certificate. */
  readonly authority: string;
  /** @returns the port, on 127.0.0.1, that it listens on until the test ends */
  listen(server: Pick<Server, 'listen' | 'close' | 'address'>): Promise<number>;
  /** Asks who listens there; closed when the test ends. */
  exchange(
    transport: ResolverConfig['transport'],
    port: number,
    more: Partial<ResolverConfig>,
    open?: typeof openDirect,
  ): Exchange;
}

/** For all tests of a `describe`. After each of them no stream may be open. */
export function serversForAll(): Servers {
  let certificates: Certificates;
  let tls: Servers['tls'];
  const undo: (() => void)[] = [];
  beforeAll(async () => {
    certificates = await createCertificates();
    tls = {
      key: readFileSync(certificates.key('good')),
      cert: readFileSync(certificates.certificate('good')),
    };
  });
  afterAll(() => certificates[Symbol.asyncDispose]());
  afterEach(async () => {
    for (const one of undo.splice(0)) one();
    await eventually('all streams to be closed', () => opened.size === 0);
  });
  return {
    get tls() {
      return tls;
    },
    get authority() {
      return certificates.authority;
    },
    async listen(server) {
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      undo.push(() => void server.close());
      return (server.address() as AddressInfo).port;
    },
    exchange(transport, port, more, open = openDirect) {
      const made = createExchange(resolverConfig(transport, '127.0.0.1', port, more), {
        open,
        mixCase: false,
      });
      undo.push(() => made.close());
      return made;
    },
  };
}
