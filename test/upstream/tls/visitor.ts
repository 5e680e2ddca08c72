/**
 * Visits servers, where the tests can't be themselves: `visitor.ts TASKS`, JSON of {@link Task}s, one after the other.
 * Prints JSON of what came of each. Tasks of one `client` are visits of one and the same.
 */
import { readFileSync } from 'node:fs';
import { parseAddress } from '../../../src/net/address.ts';
import { createTlsClient } from '../../../src/upstream/tls/create.ts';
import { visit, type Visit } from './visit.ts';

export interface Task {
  readonly client: string;
  readonly address: string;
  readonly port: number;
  readonly host: string;
  readonly sni?: string;
  /** Paths. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly pins?: readonly string[];
  readonly insecure?: boolean;
}

const clients = new Map<string, ReturnType<typeof createTlsClient>>();
const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path, 'utf8'));

function clientOf({ client, host, sni, ca, cert, key, pins = [], insecure = false }: Task) {
  const pem = { caPem: read(ca), certPem: read(cert), keyPem: read(key) };
  const made = clients.get(client) ?? createTlsClient({ host, sni, pins, insecure, ...pem });
  clients.set(client, made);
  return made;
}

const visits: Visit[] = [];
for (const task of JSON.parse(process.argv[2]!) as readonly Task[]) {
  const endpoint = { address: parseAddress(task.address)!, port: task.port };
  visits.push(await visit(endpoint, clientOf(task)));
}
process.stdout.write(JSON.stringify(visits));
process.exit(0);
