/** Files as openssl writes them, right and wrong. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { checkAuthorities, checkIdentity } from '../../src/net/pem.ts';
import { createCertificates, type Certificates } from '../dns/exchange/certificates.ts';
import { describeNeeding } from '../needs.ts';

describeNeeding(['openssl'], 'PEM', () => {
  let certificates: Certificates;
  let [authority, good, other, key, otherKey] = ['', '', '', '', ''];
  beforeAll(async () => {
    certificates = await createCertificates();
    const text = (path: string) => readFileSync(path, 'utf8');
    authority = text(certificates.authority);
    [good, key] = [text(certificates.certificate('good')), text(certificates.key('good'))];
    [other, otherKey] = [text(certificates.certificate('otherName')), text(certificates.key('otherName'))];
  });
  afterAll(() => certificates[Symbol.asyncDispose]());

  /** What openssl makes of `input`. */
  const openssl = (input: string, ...args: string[]) => {
    const { stdout, stderr, exitCode } = Bun.spawnSync(['openssl', ...args], { stdin: Buffer.from(input) });
    if (exitCode !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr.toString()}`);
    return stdout.toString('utf8');
  };

  test('authorities: one or several, with text around them, in any line form', () => {
    for (const pem of [
      authority,
      good + authority,
      `my own\n${authority}\nend\n`,
      authority.replaceAll('\n', '\r\n'),
    ])
      expect(checkAuthorities(pem)).toBeUndefined();
  });

  test.each<[string, () => string, string, RegExp | undefined]>([
    ['nothing', () => '\n', 'an empty file', undefined],
    ['another text', () => '{"ca": 1}', 'no PEM', /-----BEGIN/],
    ['a key', () => key, 'PEM with a private key only', undefined],
    ['DER', () => openssl(good, 'x509', '-outform', 'der'), 'a file in DER form', /-inform der/],
    ['a key in DER', () => openssl(key, 'ec', '-outform', 'der'), 'a file in DER form', /-inform der/],
    [
      'a torn one',
      () => good.split('\n').toSpliced(3, 1).join('\n'),
      "a certificate that can't be read",
      /all of its lines/,
    ],
    ['one without its end', () => good.slice(0, 300), "a certificate that can't be read", /all of its lines/],
    [
      'a torn one behind a good one',
      () => authority + good.split('\n').toSpliced(3, 1).join('\n'),
      "2 certificates, of which number 2 can't be read",
      /all of its lines/,
    ],
  ])('no authority: %s', (_, make, found, hint) => {
    const fault = checkAuthorities(make());
    expect(fault).toEqual({
      found,
      expected: 'PEM with one certificate or more',
      hint: hint && (expect.stringMatching(hint) as unknown as string),
    });
  });

  test('a certificate of ours and its key, in each form of key', () => {
    const traditional = openssl(key, 'ec');
    expect(traditional).toStartWith('-----BEGIN EC PRIVATE KEY');
    const rsa = openssl('', 'genrsa', '2048');
    const rsaCertificate = openssl(rsa, 'req', '-x509', '-key', '/dev/stdin', '-subj', '/CN=rsa');
    const pairs = [
      [good, key],
      [good + authority, key],
      [good, traditional],
      // As files of certificate and key together have them.
      [good + key, good + key],
      [rsaCertificate, rsa],
    ] as const;
    for (const [certificate, itsKey] of pairs) expect(checkIdentity(certificate, itsKey)).toBeUndefined();
  });

  test.each<[string, () => [string, string], 'cert' | 'key', string]>([
    ['no certificate', () => [key, key], 'cert', 'PEM with a private key only'],
    ['no key', () => [good, good], 'key', 'PEM with a certificate only'],
    ['the key of another', () => [good, otherKey], 'key', 'the key of another certificate'],
    ['the authority first', () => [authority + good, key], 'key', 'the key of another certificate'],
    [
      'an encrypted key',
      () => [good, openssl(key, 'pkcs8', '-topk8', '-passout', 'pass:secret')],
      'key',
      'an encrypted key',
    ],
    [
      'a key encrypted in the old way',
      () => [good, openssl(key, 'ec', '-aes128', '-passout', 'pass:secret')],
      'key',
      'an encrypted key',
    ],
    [
      'a torn key',
      () => [other, otherKey.split('\n').toSpliced(1, 1).join('\n')],
      'key',
      "a key that can't be read",
    ],
  ])('no certificate of ours: %s', (_, make, at, found) => {
    const fault = checkIdentity(...make());
    expect(fault).toMatchObject({ at, fault: { found } });
    // Nothing of what it has in it gets into what is said of it.
    const secret = key.split('\n')[1]!.slice(0, 20);
    expect(JSON.stringify(fault)).not.toContain(secret);
  });
});
