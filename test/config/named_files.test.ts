import { describe, expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { ConfigError } from '../../src/config/error.ts';
import { loadConfig } from '../../src/config/load.ts';
import { folderForEach } from '../lab/folder.ts';

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
        '  hint: check the path; a relative one begins at the folder of this file',
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
