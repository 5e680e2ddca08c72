/** Servers of files over https on loopback, whose certificates an authority of the test has signed, and a program that trusts it. */
import { afterAll, beforeAll, beforeEach } from 'bun:test';
import { createCertificates, type Certificates, type Kind } from '../../dns/exchange/certificates.ts';

export interface Publisher {
  readonly certificates: Certificates;
  /** URL of the server with the good certificate. */
  readonly base: string;
  /** What is published, by path, until the test ends. */
  readonly published: Map<string, (request: Request) => Response>;
  readonly publish: (path: string, body: string | Uint8Array<ArrayBuffer>, init?: ResponseInit) => void;
  /** Starts another server of the same. @returns its URL */
  readonly serve: (kind: Kind) => string;
  /**
   * Runs a script in a process of its own, which reads `task` as JSON and answers with JSON: which authorities are trusted
   * is settled when a process starts.
   */
  inChild(script: string, task: unknown, env?: Record<string, string>): Promise<unknown>;
}

/** For all tests of a `describe`. */
export function publisherForAll(): Publisher {
  const published = new Map<string, (request: Request) => Response>();
  const servers: Bun.Server<undefined>[] = [];
  let certificates: Certificates;
  let base: string;

  function serve(kind: Kind): string {
    const tls = {
      cert: Bun.file(certificates.certificate(kind)),
      key: Bun.file(certificates.key(kind)),
    };
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      tls,
      fetch(request) {
        const answer = published.get(new URL(request.url).pathname);
        return answer === undefined ? new Response('no', { status: 404 }) : answer(request);
      },
    });
    servers.push(server);
    return `https://127.0.0.1:${server.port}`;
  }

  beforeAll(async () => {
    certificates = await createCertificates();
    base = serve('good');
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop(true)));
    await certificates[Symbol.asyncDispose]();
  });
  beforeEach(() => published.clear());

  return {
    get base() {
      return base;
    },
    get certificates() {
      return certificates;
    },
    published,
    publish: (path, body, init) => void published.set(path, () => new Response(body, init)),
    serve,
    async inChild(script, task, env = {}) {
      const child = Bun.spawn([process.execPath, script], {
        stdin: Buffer.from(JSON.stringify(task)),
        stdout: 'pipe',
        env: { ...process.env, NODE_EXTRA_CA_CERTS: certificates.authority, ...env },
      });
      return JSON.parse(await child.stdout.text());
    },
  };
}
