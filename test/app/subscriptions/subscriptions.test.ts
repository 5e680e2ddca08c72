/** Subscriptions against servers on loopback: what is fetched, what is kept, and what is said. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { NAME } from '../../dns/exchange/certificates.ts';
import { folderForEach } from '../../lab/folder.ts';
import { describeNeeding } from '../../needs.ts';
import { publisherForAll } from '../update/publisher.ts';
import type { Outcome, Task } from './in_child.ts';

const CHILD = new URL('in_child.ts', import.meta.url).pathname;
const SECRET = 'token-of-mine';
const PATH = `/${SECRET}`;
const LINKS = ['ss://aes-128-gcm:hunter2@one.example:1#first', 'socks5://two.example:2'];
const LABELS = ['shadowsocks one.example:1 aes-128-gcm (first)', 'socks5 two.example:2'];
const OTHER = 'http://three.example:3';
/** Nobody listens there. */
const NOWHERE = 'https://127.0.0.1:1';

describeNeeding(['openssl'], 'a subscription', () => {
  const publisher = publisherForAll();
  const { published, publish } = publisher;
  const folder = folderForEach();
  let stateDirectory: string;
  let url: string;
  beforeEach(() => {
    stateDirectory = folder.file('state');
    url = publisher.base + PATH;
  });

  type Wanted = Partial<Omit<Task, 'keeping'>> & { readonly env?: Record<string, string> };

  async function outcomeOf({ env, ...wanted }: Wanted): Promise<Outcome> {
    const keeping = { stateDirectory, allowInsecureCiphers: false };
    const task: Task = { act: 'renew', urls: [url], keeping, ...wanted };
    const outcome = (await publisher.inChild(CHILD, task, env)) as Outcome;
    // Of what is fetched the links may be seen by whoever asked for it, of the URL nothing by anybody.
    const { result: _, ...said } = outcome;
    expect(JSON.stringify(said)).not.toMatch(/token-of-mine|hunter2/);
    return outcome;
  }
  const kept = () => readdirSync(`${stateDirectory}/subscriptions`);
  const portOf = (server: string) => Number(new URL(server).port);

  test('is fetched and kept as it came, for root alone, in a file whose name tells nothing', async () => {
    const text = Buffer.from(LINKS.join('\n')).toString('base64');
    publish(PATH, text);
    const { result, log } = await outcomeOf({});
    expect(result).toEqual(LABELS);
    const [name, ...others] = kept();
    expect(others).toEqual([]);
    expect(name).toMatch(/^[0-9a-f]{32}$/);
    expect(log).toEqual([`the subscription ${name!.slice(0, 12)} of 127.0.0.1`]);
    const path = `${stateDirectory}/subscriptions/${name}`;
    expect(readFileSync(path, 'utf8')).toBe(text);
    const mode = (of: string) => statSync(of).mode & 0o777;
    expect([mode(path), mode(`${stateDirectory}/subscriptions`), mode(stateDirectory)]).toEqual([
      0o600, 0o700, 0o700,
    ]);
  });

  describe('at the start', () => {
    const start = (wanted: Wanted) => outcomeOf({ act: 'start', ...wanted });

    test('comes after the upstreams of the file; entries that are no good are named', async () => {
      publish(PATH, [...LINKS, 'vmess://hunter2', 'ss://aes-128-gcm:hunter2@h'].join('\n'));
      const { result, log } = await start({ links: [OTHER] });
      expect(result).toEqual(['http three.example:3', ...LABELS]);
      expect(log).toEqual([
        expect.stringMatching(/^info subscription subscription="the subscription .*" upstreams=2 leftOut=2$/),
        expect.stringMatching(/^warn an entry of a subscription is left out .* number=3 reason="found a vmess:/),
        expect.stringMatching(/^warn an entry of a subscription is left out .* number=4 reason="found no port/),
      ]);
    }); // prettier-ignore

    test('is what was kept, whatever the server says now', async () => {
      publish(PATH, LINKS.join('\n'));
      await outcomeOf({});
      publish(PATH, OTHER);
      expect((await start({})).result).toEqual(LABELS);
      published.clear();
      expect((await start({})).result).toEqual(LABELS);
    });

    test('is left out if it can not be had, so long as there are other upstreams', async () => {
      publish(PATH, LINKS.join('\n'));
      const { result, log } = await start({ urls: [`${NOWHERE}${PATH}`, url] });
      expect(result).toEqual(LABELS);
      expect(log[0]).toMatch(/^error a subscription is left out .*status=ERR_UPDATE_UNREACHABLE/);
      expect((await start({ urls: [`${NOWHERE}${PATH}`], links: [OTHER] })).result).toEqual([
        'http three.example:3',
      ]);
    });

    test('is an error if there is nothing else', async () => {
      expect(await start({ urls: [`${NOWHERE}${PATH}`, url] })).toMatchObject({
        status: 'ERR_UPDATE_UNREACHABLE',
        message: expect.stringMatching(/^the subscription [0-9a-f]{12} of 127\.0\.0\.1 can't be fetched: /),
      });
    });

    test('is used even if it can not be kept', async () => {
      publish(PATH, LINKS.join('\n'));
      await outcomeOf({});
      chmodSync(stateDirectory, 0o777);
      const { result, log } = await start({ urls: [`${url}?2`] });
      expect(result).toEqual(LABELS);
      expect(log[0]).toMatch(
        /^warn a subscription will have to be fetched again status=ERR_SUBSCRIPTION_KEEP .*others may write to /,
      );
    });
  });

  test.each([
    ['a page', '<!doctype html><p>hunter2', 'ERR_SUBSCRIPTION', /: found an HTML page, expected a subscription/],
    ['nothing', '', 'ERR_SUBSCRIPTION', /: found nothing, expected a subscription/],
    ['no usable entry', 'vmess://hunter2', 'ERR_SUBSCRIPTION', /: found 1 of which none can be used; number 1: found a vmess/],
    ['more than a MiB', `${LINKS.join('\n')}\n${'#'.repeat(1 << 20)}`, 'ERR_UPDATE_TOO_LARGE', /: more than 1 MiB; given up$/],
  ])('that is %s does not take the place of the last good one', async (_, body, status, message) => {
    publish(PATH, LINKS.join('\n'));
    await outcomeOf({});
    publish(PATH, body);
    const upstreamTo = portOf(publisher.base);
    expect(await outcomeOf({ upstreamTo })).toMatchObject({ status, message: expect.stringMatching(message) });
    expect((await outcomeOf({ act: 'start' })).result).toEqual(LABELS);
  }); // prettier-ignore

  test.each([
    ['http', { location: `http://127.0.0.1:1${PATH}` }, 'ERR_UPDATE_URL', 'leads to a place, which is no https URL'],
    ['nowhere', { location: `http://[${SECRET}` }, 'ERR_UPDATE_HTTP', 'leads to what is no URL'],
    ['itself', { location: PATH }, 'ERR_UPDATE_HTTP', ': more than 5 redirections'],
    ['a user', { location: `https://u:${SECRET}@127.0.0.1:1/` }, 'ERR_UPDATE_URL', 'must not hold a password'],
  ])('is not fetched where it leads to %s', async (_, headers, status, message) => {
    publish(PATH, '', { status: 302, headers });
    expect(await outcomeOf({})).toMatchObject({ status, message: expect.stringContaining(message) });
  }); // prettier-ignore

  describe('where there is no direct way', () => {
    test('is fetched through an upstream, redirections too', async () => {
      publish(PATH, '', { status: 302, headers: { location: '/moved' } });
      publish('/moved', LINKS.join('\n'));
      const outcome = await outcomeOf({ urls: [NOWHERE + PATH], upstreamTo: portOf(publisher.base) });
      expect(outcome.result).toEqual(LABELS);
    });

    test('and none through the upstream, both are told', async () => {
      const { status, message } = await outcomeOf({ urls: [NOWHERE + PATH], upstreamTo: 1 });
      expect(status).toBe('ERR_UPDATE_UNREACHABLE');
      expect(message).toMatch(
        /^the subscription \w+ of 127\.0\.0\.1 can't be fetched: .*; through the upstream, it can't be fetched: /,
      );
    });
  });

  test('is not asked for a second time where the way does not matter', async () => {
    let count = 0;
    published.set(PATH, () => {
      count++;
      return new Response('', { status: 302, headers: { location: 'http://127.0.0.1:1/' } });
    });
    await outcomeOf({ upstreamTo: portOf(publisher.base) });
    expect(count).toBe(1);
  });

  describe('through an upstream', () => {
    const get = (server: string, env?: Record<string, string>) =>
      outcomeOf({ act: 'get', urls: [`https://${NAME}/x`], upstreamTo: portOf(server), ...(env && { env }) });

    test('a name is left to the upstream, and looked for in the certificate', async () => {
      publish('/x', 'that');
      expect((await get(publisher.base)).result).toEqual(['that']);
    });

    test('a body of many pieces is whole', async () => {
      const pieces = Array.from({ length: 300 }, (_, i) => `${i}`.repeat(700));
      published.set('/x', () => {
        const left = [...pieces];
        return new Response(
          new ReadableStream({
            async pull(to) {
              await Bun.sleep(0);
              const piece = left.shift();
              if (piece === undefined) to.close();
              else to.enqueue(piece);
            },
          }),
        );
      });
      expect((await get(publisher.base)).result).toEqual([pieces.join('')]);
    });

    test.each([
      ['expired', /its certificate has expired/],
      ['otherName', /its certificate is not for dns\.test, but for other\.test/],
      ['selfSigned', /signed by nobody who is trusted/],
    ] as const)('a certificate that is %s is refused', async (kind, why) => {
      publish('/x', 'that');
      const outcome = await get(publisher.serve(kind), { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
      expect(outcome).toMatchObject({
        status: 'ERR_UPDATE_UNREACHABLE',
        message: expect.stringMatching(why),
      });
    });

    async function listening(server: Server): Promise<string> {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }

    test.each(['Content-Length: 10\r\n\r\na part', 'Transfer-Encoding: chunked\r\n\r\n6\r\na part\r\n'])(
      'what breaks off is no file: %j',
      async (rest) => {
        const { certificates } = publisher;
        const [cert, key] = [certificates.certificate('good'), certificates.key('good')];
        const identity = { cert: await Bun.file(cert).text(), key: await Bun.file(key).text() };
        const breaking = createTlsServer(identity, (socket) => {
          socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${rest}`));
        });
        expect((await get(await listening(breaking))).status).toBe('ERR_UPDATE_UNREACHABLE');
        breaking.close();
      },
    );

    test('what says nothing is given up', async () => {
      const mute = createServer(() => {});
      expect((await get(await listening(mute))).status).toBe('ERR_UPDATE_TIMEOUT');
      mute.close();
    });
  });
});
