/** Shadowsocks 2022 over TCP (SIP022). */
import { Client2022 } from './client_2022.ts';
import { partsOf, type Options2022 } from './parts_2022.ts';
import { Server2022 } from './server_2022.ts';
import type { Suite } from './suite.ts';

/** @throws RangeError for keys that the method can't have */
export function createSuite2022(options: Options2022): Suite {
  const parts = partsOf(options);
  return {
    aead: options.aead,
    recordLimit: options.method.recordLimit,
    client: (target) => new Client2022(parts, target),
    server: () => new Server2022(parts),
  };
}
