/** The client against servers of the runtime's own, on loopback: what goes over the wire, and what a server may do to it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import type { Socket, SocketHandler, TLSOptions } from 'bun';
import { readFileSync } from 'node:fs';
import type { RemoteEnd } from '../../../src/net/socket.ts';
import { direct } from '../../../src/upstream/direct.ts';
import { httpTunnels } from '../../../src/upstream/http/connect.ts';
import { Reach } from '../../../src/upstream/reach.ts';
import { createTlsClient, type TlsClientOptions } from '../../../src/upstream/tls/create.ts';
import { createCertificates, NAME, type Certificates, type Kind } from '../../dns/exchange/certificates.ts';
import { describeNeeding } from '../../needs.ts';
import { Client, loopback, relayTo } from '../../relay/harness.ts';
import { visit } from './visit.ts';

type Handler = Partial<SocketHandler<undefined>>;

const open: { stop(now: boolean): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.stop(true);
});

function listen(tls: TLSOptions | undefined, socket: Handler) {
  const handlers = { data: (one: Socket, chunk: Buffer) => void one.write(chunk), ...socket };
  const options = { hostname: '127.0.0.1', port: 0, data: undefined, socket: handlers };
  const server = Bun.listen(tls ? { ...options, tls } : options);
  open.push(server);
  return loopback(server.port);
}

describeNeeding(['openssl'], 'over TLS', () => {
  let certificates: Certificates;
  beforeAll(async () => {
    certificates = await createCertificates();
  });
  afterAll(() => certificates[Symbol.asyncDispose]());

  const text = (path: string) => readFileSync(path, 'utf8');
  const identity = (kind: Kind) => ({
    cert: text(certificates.certificate(kind)),
    key: text(certificates.key(kind)),
  });
  const client = (more: Partial<TlsClientOptions> = {}) =>
    createTlsClient({ host: NAME, pins: [], insecure: false, caPem: text(certificates.authority), ...more });

  describe('a server hears', () => {
    /** SNI of a visit. */
    const asked = async (more: Partial<TlsClientOptions>) => {
      let name: unknown = 'no handshake';
      const endpoint = listen(identity('good'), {
        handshake: (socket) => {
          // Not a text, whatever the types say, where none was sent.
          name = socket.getServername() ?? 'none';
        },
      });
      expect((await visit(endpoint, client(more))).result).toBe('heard');
      return name;
    };

    test('the name that it is reached by', async () => {
      expect(await asked({})).toBe(NAME);
      expect(await asked({ host: `${NAME}.` })).toBe(NAME);
    });
    test('no name where it is reached by its address', async () => {
      expect(await asked({ host: '127.0.0.1' })).toBe('none');
      expect(await asked({ host: '::1' })).toBe('none');
    });
    test('the name that was configured for it', async () => {
      expect(await asked({ host: '192.0.2.1', sni: NAME })).toBe(NAME);
      expect(await asked({ host: 'front.test', sni: '127.0.0.1' })).toBe('none');
    });
    test('which protocols are offered', async () => {
      const endpoint = listen({ ...identity('good'), ALPNProtocols: '\x08http/1.1' }, {});
      expect((await visit(endpoint, client({ alpn: ['h2', 'http/1.1'] }))).protocol).toBe('http/1.1');
      expect((await visit(endpoint, client())).protocol).toBeUndefined();
    });
  });

  test('several authorities may stand in one file', async () => {
    const caPem = text(certificates.certificate('selfSigned')) + text(certificates.authority);
    for (const kind of ['good', 'selfSigned'] as const) {
      expect((await visit(listen(identity(kind), {}), client({ caPem }))).result).toBe('heard');
    }
  });

  test("authorities of one's own take the place of all others, and are not asked of others", async () => {
    const endpoint = listen(identity('good'), {});
    expect(await visit(endpoint, client({ caPem: undefined }))).toMatchObject({
      result: 'ERR_TLS_CERTIFICATE',
      message: expect.stringMatching(
        /^dns\.test: its certificate is signed by nobody who is trusted/,
      ) as string,
    });
  });

  test('a refused server gets no word of ours, nor our certificate', async () => {
    let heard = '';
    let seen: unknown;
    const server = (kind: Kind) =>
      listen(
        { ...identity(kind), requestCert: true, rejectUnauthorized: false },
        {
          data(socket, chunk) {
            heard += chunk.toString();
            socket.write(chunk);
          },
          handshake(socket) {
            seen = socket.getPeerX509Certificate()?.subject;
          },
        },
      );
    const { cert: certPem, key: keyPem } = identity('good');
    for (const more of [{}, { host: '127.0.0.1' }, { pins: ['0'.repeat(64)] }])
      expect((await visit(server('otherName'), client({ certPem, keyPem, ...more }))).result).toBe(
        'ERR_TLS_CERTIFICATE',
      );
    await Bun.sleep(50);
    expect([heard, seen]).toEqual(['', undefined]);
    expect((await visit(server('good'), client({ certPem, keyPem }))).result).toBe('heard');
    expect([heard, seen]).toEqual(['hello\n', 'CN=good']);
  });

  describe('what is no TLS', () => {
    const TLS_ALERT = (description: number) => Buffer.from([0x15, 3, 3, 0, 2, 2, description]);

    test.each<[string, Handler, RegExp]>([
      [
        'an HTTP server',
        { data: (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') },
        /does not speak TLS/,
      ],
      [
        'a server that speaks first',
        { open: (socket) => void socket.write('220 mail.test\r\n') },
        /does not speak TLS/,
      ],
      ['one that hangs up', { open: (socket) => void socket.end(), data() {} }, /closed before TLS/],
      ['one that hangs up when it is asked', { data: (socket) => void socket.end() }, /closed before TLS/],
      [
        'one that hangs up within its answer',
        { data: (socket) => void socket.end(Buffer.from('160303007a0200007603', 'hex')) },
        /closed before TLS/,
      ],
      [
        'one of old versions',
        { data: (socket) => void socket.end(TLS_ALERT(70)) },
        /versions of TLS before 1\.2/,
      ],
      [
        'one that knows no such name',
        { data: (socket) => void socket.end(TLS_ALERT(112)) },
        /nobody of the name/,
      ],
      ['one that fails', { data: (socket) => void socket.end(TLS_ALERT(80)) }, /INTERNAL_ERROR/],
    ])('%s', async (_, handler, message) => {
      // Whatever would be believed of its certificate.
      for (const more of [{}, { pins: ['0'.repeat(64)] }, { insecure: true }, { host: '127.0.0.1' }]) {
        const { result, message: said } = await visit(listen(undefined, handler), client(more));
        expect([result, said]).toEqual(['ERR_TLS', expect.stringMatching(message)]);
      }
    });

    test('a reset is no word of TLS', async () => {
      const endpoint = listen(undefined, { data: (socket) => socket.terminate() });
      expect((await visit(endpoint, client())).result).toBe('failed');
    });
  });

  test('a fault of ours in the middle is not taken for one of TLS', async () => {
    const tls = client();
    const endpoint = listen(identity('good'), {});
    const broken: typeof tls = {
      ...tls,
      judge() {
        throw new Error('a fault of ours');
      },
    };
    expect(await visit(endpoint, broken)).toMatchObject({ result: 'failed', message: 'a fault of ours' });
  });

  describe('a server that refuses our certificate when for us the handshake is over', () => {
    const strict = () =>
      listen({ ...identity('good'), ca: text(certificates.authority), requestCert: true }, {});
    const WANTS = 'dns.test: it wants a certificate of ours';

    test('fails a flow by that name', async () => {
      using relay = relayTo([strict()], { tls: client() });
      (await new Client(relay.port).socket).write('hello');
      expect(await relay.ended()).toBe('ERR_TLS');
    });

    test('fails a tunnel that is being opened by that name', async () => {
      const endpoint = strict();
      const upstream = {
        ...direct,
        tls: client(),
        endpoints: () => [endpoint],
        tunnel: httpTunnels(undefined),
      };
      const aim = { candidates: [upstream], destination: endpoint, target: endpoint, named: undefined };
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const owner = new Proxy({} as RemoteEnd, { get: () => () => {} });
      new Reach(aim, owner, {
        opened: () => resolve('opened'),
        retrying: () => {},
        lost: (_, status, cause) => resolve([status, (cause as Error).message]),
      }).start();
      expect(await promise).toEqual(['ERR_TLS', WANTS]);
    });
  });

  describe('a session is resumed', () => {
    const visits = async (endpoint: ReturnType<typeof listen>, tls: ReturnType<typeof client>) => {
      const first = await visit(endpoint, tls);
      return [first, await visit(endpoint, tls), await visit(endpoint, tls)].map(
        ({ result, resumed }) => `${result}${resumed ? ', resumed' : ''}`,
      );
    };
    const RESUMED = ['heard', 'heard, resumed', 'heard, resumed'];

    test.each<[string, Partial<TlsClientOptions>]>([
      ['by a name', {}],
      ['by an address', { host: '127.0.0.1' }],
      ['with no care', { insecure: true }],
    ])('with a server known %s', async (_, more) => {
      expect(await visits(listen(identity('good'), {}), client(more))).toEqual(RESUMED);
    });

    test('not with one that was refused', async () => {
      const endpoint = listen(identity('selfSigned'), {});
      const refused = ['ERR_TLS_CERTIFICATE', 'ERR_TLS_CERTIFICATE', 'ERR_TLS_CERTIFICATE'];
      expect(await visits(endpoint, client())).toEqual(refused);
    });

    test('not with a server that does not know it, which gets a new one', async () => {
      const tls = client();
      expect(await visits(listen(identity('good'), {}), tls)).toEqual(RESUMED);
      expect(await visits(listen(identity('good'), {}), tls)).toEqual(RESUMED);
      expect((await visit(listen(identity('expired'), {}), tls)).result).toBe('ERR_TLS_CERTIFICATE');
    });

    test('nor is it believed because somebody else did: it is judged by the certificate of the first time', async () => {
      const endpoint = listen(identity('selfSigned'), {});
      const careless = client({ insecure: true });
      expect(await visits(endpoint, careless)).toEqual(RESUMED);
      for (const more of [{}, { host: '127.0.0.1' }, { pins: ['0'.repeat(64)] }]) {
        const careful = client(more);
        // With the careless one's session.
        const mixed = { ...careful, handlers: careless.handlers };
        expect(await visit(endpoint, mixed)).toMatchObject({ result: 'ERR_TLS_CERTIFICATE', resumed: true });
        // It is forgotten with the refusal.
        expect(await visits(endpoint, careless)).toEqual(RESUMED);
      }
    });
  });
});
