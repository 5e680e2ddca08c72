/** An upstream through another one. Who the origin sees and what the outer one logs tell the way. */
import { expect, test } from 'bun:test';
import { folderForAll } from '../lab/folder.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import { internetForAll } from '../lab/internet_for_all.ts';
import { createIdentity, startMicrosocks, startSquid, type Identity } from '../lab/proxies.ts';
import { beside } from '../lab/snet.ts';
import { SERVER, shareLink, startServer } from '../lab/upstream.ts';
import { describeNeeding } from '../needs.ts';

const BULK = 10 * 2 ** 20;
const [HTTP, HTTPS, SOCKS] = [3128, 3129, 1081];
const NEEDS = ['root', 'ip', 'curl', 'nft', 'openssl', 'sha256sum', 'squid', 'microsocks', 'ss-server'];

describeNeeding(NEEDS, 'a chain', () => {
  const folder = folderForAll();
  let identity: Identity;
  let squid: Awaited<ReturnType<typeof startSquid>>;
  const internet = internetForAll(async ({ far }, undo) => {
    identity = await createIdentity(far, folder.file('.'));
    squid = undo.use(
      await startSquid(far, { folder: folder.file('.'), port: HTTP, also: { port: HTTPS, identity } }),
    );
    undo.use(await startMicrosocks(far, { port: SOCKS }));
    undo.use(await startServer(far));
    await shell(`head -c ${BULK} /dev/urandom >${folder.file('bulk')}`);
  });
  const shell = (script: string) => internet.client.must(['sh', '-c', script]);

  const shadowsocks = { ...SERVER, type: 'shadowsocks', server: FAR.v4 };
  const http = `http://${FAR.v4}:${HTTP}`;
  const https = () => ({ type: 'http', server: FAR.v4, port: HTTPS, tls: { pin: identity.pin } });
  const socks5 = { type: 'socks5', server: FAR.v4, port: SOCKS };

  const CHAINS = [
    { name: 'shadowsocks in http', upstream: () => ({ ...shadowsocks, via: http }), port: SERVER.port },
    { name: 'shadowsocks in https', upstream: () => ({ ...shadowsocks, via: https() }), port: SERVER.port },
    { name: 'socks5 in http', upstream: () => ({ ...socks5, via: http }), port: SOCKS },
    { name: 'https in socks5', upstream: () => ({ ...https(), via: socks5 }), port: undefined },
    { name: 'https in shadowsocks', upstream: () => ({ ...https(), via: shareLink(FAR.v4) }), port: undefined },
    { name: 'https in https in http', upstream: () => ({ ...https(), via: { ...https(), via: http } }), port: HTTPS },
  ]; // prettier-ignore

  test.each(CHAINS)('$name carries 10 MB each way', async ({ upstream, port }) => {
    await Bun.write(folder.file('snet.json'), JSON.stringify({ upstream: upstream(), dns: false }), {
      mode: 0o600,
    });
    const before = (await squid.log()).length;
    await beside(internet.client, ['-c', folder.file('snet.json')], async () => {
      expect((await shell(`curl -sS ${url(ABROAD.v4)}`)).trim()).toBe(FAR.v4);
      const up = await shell(`curl -sS -T ${folder.file('bulk')} ${url(ABROAD.v4, 'sink')}`);
      expect(up.trim()).toBe((await shell(`sha256sum <${folder.file('bulk')}`)).slice(0, 64));
      expect(await shell(`curl -sS ${url(ABROAD.v6, `bulk/${BULK}`)} | wc -c`)).toBe(`${BULK}\n`);
    });
    const log = (await squid.log()).slice(before);
    if (port !== undefined) expect(log).toContain(`CONNECT ${FAR.v4}:${port} `);
    else expect(log).toContain(`CONNECT ${ABROAD.v4}:80 `);
  });

  test('tells what the outer upstream has against it', async () => {
    const dead = { ...https(), via: `socks5://${FAR.v4}:9` };
    await Bun.write(folder.file('snet.json'), JSON.stringify({ upstream: dead, dns: false }), {
      mode: 0o600,
    });
    await beside(internet.client, ['-c', folder.file('snet.json')], async (snet) => {
      expect((await internet.client.run(['curl', '-sS', '-m', '9', url(ABROAD.v4)])).code).toBe(56);
      await snet.says(/status=ERR_DIAL_REFUSED .*socks5 .*ECONNREFUSED/);
    });
  });
});
