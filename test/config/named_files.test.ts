import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { whyNot } from '../../src/app/why_not.ts';
import { ConfigError, type Problem } from '../../src/config/error.ts';
import { loadConfig } from '../../src/config/load.ts';
import { checkFilesOf } from '../../src/config/named_files.ts';
import { createCertificates, type Certificates } from '../dns/exchange/certificates.ts';
import { folderForEach } from '../lab/folder.ts';
import { describeNeeding } from '../needs.ts';

const LINK = 'ss://YWVzLTEyOC1nY206dGVzdA@192.0.2.1:8888';
const folder = folderForEach();

/** Loads a file of configuration beside which the certificates are. */
function load(dns: object) {
  const file = folder.file('snet.json');
  writeFileSync(file, `{"upstream": "${LINK}",\n"dns": ${JSON.stringify(dns)}}`, { mode: 0o600 });
  return loadConfig({ file });
}

async function errorOf(dns: object): Promise<ConfigError> {
  const error = await load(dns).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  return error as ConfigError;
}

const trusting = (ca: string) => ({ trusted: ['tcp://8.8.8.8', { url: 'tls://192.0.2.53', ca }] });

describe('the certificate of a resolver', () => {
  test('is looked for beside the configuration', async () => {
    writeFileSync(folder.file('ca.pem'), rootCertificates.slice(0, 2).join('\n'));
    const { config } = await load(trusting('ca.pem'));
    expect(config.dns!.trusted[1]!.ca).toBe(folder.file('ca.pem'));
  });

  test('that is not there is a mistake of the configuration, with its place', async () => {
    const error = await errorOf(trusting('ca.pem'));
    expect(error.status).toBe('ERR_CONFIG_READ');
    expect(error.message).toBe(
      `${folder.file('snet.json')}:2:62: dns.trusted[1].ca: found "${folder.file('ca.pem')}", no such file, ` +
        'expected a PEM file with a certificate\n' +
        '  hint: check the path; a relative one in a file begins at the folder of that file',
    );
  });

  test.each([
    ['a directory', (path: string) => mkdirSync(path), 'a directory'],
    ['another file', (path: string) => writeFileSync(path, 'hello'), 'no PEM'],
    ['no text', (path: string) => writeFileSync(path, Uint8Array.of(0xff)), 'bytes that are no UTF-8'],
  ])('that is %s is one, too', async (_, make, why) => {
    make(folder.file('ca.pem'));
    const { problems } = await errorOf(trusting('ca.pem'));
    expect(problems.map(({ found }) => found)).toEqual([`"${folder.file('ca.pem')}", ${why}`]);
  });

  test('is told of every resolver', async () => {
    const { problems } = await errorOf({ ...trusting('/a'), china: [{ url: 'tls://192.0.2.9', ca: '/b' }] });
    expect(problems.map(({ key }) => key)).toEqual(['dns.china[0].ca', 'dns.trusted[1].ca']);
  });
});

describeNeeding(['openssl'], 'the certificates of an upstream', () => {
  let certificates: Certificates;
  beforeAll(async () => {
    certificates = await createCertificates();
  });
  afterAll(() => certificates[Symbol.asyncDispose]());

  const https = (tls: object, more: object = {}) => ({ type: 'http', server: 'h', port: 1, tls, ...more });
  const subscription = { type: 'subscription', url: 'https://192.0.2.9/list' };

  const loading = (upstream: unknown) => {
    const file = folder.file('snet.json');
    writeFileSync(file, JSON.stringify({ upstream }), { mode: 0o600 });
    return loadConfig({ file });
  };
  const byKey = (problems: readonly Problem[]) =>
    Object.fromEntries(problems.map(({ key, found }) => [key, found]));

  /** What is found, by key, where there is no way out. */
  async function found(upstream: unknown): Promise<Record<string, string>> {
    const error = await loading(upstream).catch((reason: unknown) => reason);
    if (!(error instanceof ConfigError)) {
      expect(error).toMatchObject({ unreadable: [] });
      return {};
    }
    expect(error.status).toBe('ERR_CONFIG_READ');
    return byKey(error.problems);
  }
  const none = '"/none.pem", no such file';

  test('are looked at wherever one is named, and good ones are taken', async () => {
    const good = { cert: certificates.certificate('good'), key: certificates.key('good') };
    expect(await found(https({ ...good, ca: certificates.authority }))).toEqual({});
    expect(await found(https({ ca: '/none.pem' }))).toEqual({ 'upstream.tls.ca': none });
    expect(await found([https({ ca: '/none.pem' }), https({ ca: '/none.pem' })])).toEqual({
      'upstream[0].tls.ca': none,
      'upstream[1].tls.ca': none,
    });
    expect(await found(https({}, { via: https({ cert: '/none.pem', key: '/none.pem' }) }))).toEqual({
      'upstream.via.tls.cert': none,
      'upstream.via.tls.key': none,
    });
  });

  test('are a mistake of the configuration if they can not be read, or do not belong together', async () => {
    const [cert, key] = [certificates.certificate('good'), certificates.key('good')];
    writeFileSync(folder.file('cut.pem'), readFileSync(cert, 'utf8').slice(0, 200));
    expect(await found(https({ ca: folder.file('cut.pem') }))).toEqual({
      'upstream.tls.ca': `"${folder.file('cut.pem')}", a certificate that can't be read`,
    });
    expect(await found(https({ cert: key, key }))).toEqual({
      'upstream.tls.cert': expect.stringContaining(`"${key}", `),
    });
    const other = certificates.key('selfSigned');
    expect(await found(https({ cert, key: other }))).toEqual({
      'upstream.tls.key': `"${other}", the key of another certificate`,
    });
  });

  test('are looked at, too, if a link names them', async () => {
    expect(await found('https://h:1?ca=/none.pem')).toEqual({ 'upstream.tls.ca': none });
    const value = ['https://h:1?ca=/none.pem', LINK];
    const { unreadable } = await loadConfig({
      overrides: [{ path: ['upstream'], value, where: 'URL', replaces: true }],
    });
    expect(unreadable).toEqual([
      expect.objectContaining({ where: 'URL 1', found: '"/none.pem", no such file' }),
    ]);
  });

  test.each<[string, object | string, string]>([
    ['another', LINK, 'upstream[1].tls.ca'],
    ['a subscription', subscription, 'upstream[1].tls.ca'],
    ['another, of a chain,', LINK, 'upstream[1].via.tls.ca'],
  ])('are told of where %s may be used, and their upstream stays', async (_, other, key) => {
    const bad = https({ ca: '/none.pem' });
    const upstream = key.includes('via') ? https({}, { via: bad }) : bad;
    const { config, unreadable } = await loading([other, upstream]);
    expect(byKey(unreadable)).toEqual({ [key]: none });
    expect(config.upstreams.filter(({ type }) => type === 'http')).toHaveLength(1);
  });

  test('are told of without a place when they are wanted', async () => {
    const { config } = await loading([LINK, https({}, { via: https({ ca: '/none.pem' }) })]);
    const [well, bad] = config.upstreams;
    await checkFilesOf(well!);
    const error = await checkFilesOf(bad!).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    expect(whyNot(error)).toEqual({
      status: 'ERR_CONFIG_READ',
      reason: `via.tls.ca: found ${none}, expected a PEM file with a certificate`,
      hint: expect.stringMatching(/^check the path/),
    });
  });
});
