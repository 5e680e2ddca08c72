/**
 * Upstreams that are dead, slow, or speak something else: each has its status word, and programs are reset, no later than
 * the time that dialling may take.
 */
import { expect, test } from 'bun:test';
import type { FlowStatus } from '../../src/net/flow_status.ts';
import { ABROAD, FAR, url } from '../lab/internet.ts';
import type { Program } from '../lab/program.ts';
import type { Identity } from '../lab/proxies.ts';
import { startListener, upstreamsForAll } from '../lab/upstreams_for_all.ts';
import { describeNeeding } from '../needs.ts';

const PORT = 9000;
const AT = `${FAR.v4}:${PORT}`;
const TIMEOUTS = { dial: '500ms', idle: '1s' };

/** What the far end does with each connection, as a script of the shell. */
const MUTE = 'exec sleep 60';
const GARBAGE = `printf '\\177'; head -c 1000 /dev/urandom; ${MUTE}`;
const HTTP = `printf 'HTTP/1.1 400 Bad Request\\r\\n\\r\\n'; ${MUTE}`;
const slowly = (text: string) => `while printf '${text}'; do sleep 0.1; done`;

interface Enemy {
  readonly script: string;
  readonly status: FlowStatus;
  /** It speaks within TLS. */
  readonly tls?: true;
  /** It resets the connection in place of ending it. */
  readonly resets?: true;
}

const BEFORE_TLS = {
  'says nothing': { script: MUTE, status: 'ERR_DIAL_TIMEOUT' },
  closes: { script: 'head -c 100 >/dev/null', status: 'ERR_TLS' },
  resets: { script: 'head -c 100 >/dev/null', resets: true, status: 'ERR_TLS' },
  'speaks HTTP': { script: HTTP, status: 'ERR_TLS' },
  'speaks garbage': { script: GARBAGE, status: 'ERR_TLS' },
} as const satisfies Record<string, Enemy>;

const PROTOCOLS: Readonly<
  Record<string, { upstream: (identity: Identity) => string; enemies: Readonly<Record<string, Enemy>> }>
> = {
  http: {
    upstream: () => `http://me:secret@${AT}`,
    enemies: {
      'says nothing': { script: MUTE, status: 'ERR_PROXY_TIMEOUT' },
      'answers a byte at a time': {
        script: `printf 'HTTP/1.1 200 '; ${slowly('x')}`,
        status: 'ERR_PROXY_TIMEOUT',
      },
      'answers a line at a time': {
        script: `printf 'HTTP/1.1 200 OK\\r\\n'; ${slowly('X: y\\r\\n')}`,
        status: 'ERR_PROXY_TIMEOUT',
      },
      'keeps saying that it is at it': {
        script: slowly('HTTP/1.1 100 Continue\\r\\n\\r\\n'),
        status: 'ERR_PROXY_TIMEOUT',
      },
      closes: { script: 'head -c 10 >/dev/null', status: 'ERR_PROXY_CLOSED' },
      resets: { script: 'head -c 10 >/dev/null', resets: true, status: 'ERR_PROXY_CLOSED' },
      'closes within its answer': { script: "printf 'HTTP/1.1 200 OK\\r\\nX:'", status: 'ERR_PROXY_CLOSED' },
      'never ends its header': {
        script: "printf 'HTTP/1.1 200 OK\\r\\n'; yes X-Y:z",
        status: 'ERR_PROTOCOL',
      },
      'never ends a line': {
        script: "printf 'HTTP/1.1 200 OK'; tr '\\0' x </dev/zero",
        status: 'ERR_PROTOCOL',
      },
      'speaks SOCKS5': { script: `printf '\\005\\000'; ${MUTE}`, status: 'ERR_PROTOCOL' },
      'speaks garbage': { script: GARBAGE, status: 'ERR_PROTOCOL' },
    },
  },
  socks5: {
    upstream: () => `socks5://me:secret@${AT}`,
    enemies: {
      'says nothing': { script: MUTE, status: 'ERR_PROXY_TIMEOUT' },
      'says nothing to the request': { script: `printf '\\005\\000'; ${MUTE}`, status: 'ERR_PROXY_TIMEOUT' },
      'answers a byte at a time': {
        script: `printf '\\005\\000\\005\\000\\000\\003\\377'; ${slowly('x')}`,
        status: 'ERR_PROXY_TIMEOUT',
      },
      closes: { script: 'head -c 3 >/dev/null', status: 'ERR_PROXY_CLOSED' },
      'closes within its answer': { script: "printf '\\005\\000\\005'", status: 'ERR_PROXY_CLOSED' },
      'chooses what was not offered': { script: `printf '\\005\\001'; ${MUTE}`, status: 'ERR_PROTOCOL' },
      'takes none of what was offered': { script: `printf '\\005\\377'; ${MUTE}`, status: 'ERR_PROXY_AUTH' },
      'speaks HTTP': { script: HTTP, status: 'ERR_PROTOCOL' },
      'speaks garbage': { script: GARBAGE, status: 'ERR_PROTOCOL' },
    },
  },
  https: {
    upstream: ({ pin }) => `https://me:secret@${AT}?pin=${pin}`,
    enemies: {
      ...BEFORE_TLS,
      'says nothing within TLS': { script: MUTE, tls: true, status: 'ERR_PROXY_TIMEOUT' },
      'closes within TLS': { script: 'head -c 10 >/dev/null', tls: true, status: 'ERR_PROXY_CLOSED' },
      'speaks garbage within TLS': { script: GARBAGE, tls: true, status: 'ERR_PROTOCOL' },
    },
  },
  tls: {
    upstream: ({ pin }) => `snet+tls://secret@${AT}?pin=${pin}`,
    enemies: {
      ...BEFORE_TLS,
      'says nothing within TLS': { script: MUTE, tls: true, status: 'ERR_IDLE' },
      'closes within TLS': { script: 'head -c 10 >/dev/null', tls: true, status: 'ERR_UPSTREAM_NO_ANSWER' },
    },
  },
  'shadowsocks 2022': {
    upstream: () => `ss://2022-blake3-aes-128-gcm:${'A'.repeat(22)}%3D%3D@${AT}`,
    enemies: {
      'says nothing': { script: MUTE, status: 'ERR_IDLE' },
      closes: { script: 'head -c 10 >/dev/null', status: 'ERR_UPSTREAM_NO_ANSWER' },
      'speaks HTTP': { script: HTTP, status: 'ERR_IDLE' },
      'speaks garbage': { script: GARBAGE, status: 'ERR_AEAD' },
    },
  },
};

describeNeeding(['root', 'ip', 'curl', 'nft', 'ss', 'socat', 'openssl'], 'an upstream', () => {
  const lab = upstreamsForAll();

  /** Does with each connection what the script says. */
  async function startEnemy({ script, tls, resets }: Enemy) {
    const file = lab.folder.file('enemy.sh');
    await Bun.write(file, script);
    const { certificate, key } = lab.identity;
    const listen = tls
      ? `OPENSSL-LISTEN:${PORT},cert=${certificate},key=${key},verify=0`
      : `TCP-LISTEN:${PORT}`;
    const socat = `exec socat ${listen},reuseaddr,fork${resets ? ',linger=0' : ''} "EXEC:sh ${file}"`;
    return startListener(lab.internet, PORT, socat);
  }

  test.each(Object.entries(PROTOCOLS))(
    'of %s is told of, whatever it does',
    async (_, { upstream, enemies }) => {
      const body = async (snet: Program) => {
        const fetched = () => lab.endOf(snet, () => lab.fetch(url(ABROAD.v4)));
        const ends: Record<string, readonly string[]> = {};
        for (const [name, enemy] of Object.entries(enemies)) {
          await using _enemy = await startEnemy(enemy);
          ends[name] = await fetched();
        }
        const expected = Object.entries(enemies).map(([name, { status }]) => [name, ['reset', status]]);
        expect(ends).toEqual(Object.fromEntries(expected));
        expect(await fetched()).toEqual(['reset', 'ERR_DIAL_REFUSED']);
        expect(snet.said()).not.toContain('secret');
      };
      await lab.withSnet(upstream(lab.identity), body, { timeouts: TIMEOUTS, log: { level: 'debug' } });
    },
  );
});
