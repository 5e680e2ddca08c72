import { describe, expect, test } from 'bun:test';
import { TARGETS } from '../../build.ts';
import { renderFormula } from '../../src/build/formula.ts';

const REPOSITORY = 'https://github.com/example/snet';
const sumOf = (name: string) => new Bun.CryptoHasher('sha256').update(name).digest('hex');
const sums = new Map(TARGETS.map(({ name }) => [`snet-${name}`, sumOf(name)]));
const formula = renderFormula({ version: '2.0.0', repository: REPOSITORY, sums });

/** Each `url` with the blocks that it stands in, and the `sha256` behind it. */
function downloads(): Record<string, { url: string; sha256: string }> {
  const open: string[] = [];
  const found: Record<string, { url: string; sha256: string }> = {};
  for (const line of formula.split('\n').map((text) => text.trim())) {
    const [, word, text] = /^(\w+) "(.*)"$/.exec(line) ?? [];
    if (line.endsWith(' do') || /^(?:class|def) /.test(line)) open.push(line.replace(/ do$/, ''));
    else if (line === 'end') open.pop();
    else if (word === 'url') found[open.slice(1).join(' ')] = { url: text!, sha256: '' };
    else if (word === 'sha256') found[open.slice(1).join(' ')]!.sha256 = text!;
  }
  expect(open).toEqual([]);
  return found;
}

test('each machine gets its file, and the sum of that one', () => {
  const file = (name: string) => ({
    url: `${REPOSITORY}/releases/download/v2.0.0/snet-${name}`,
    sha256: sumOf(name),
  });
  expect(downloads()).toEqual({
    'on_macos on_arm': file('darwin-arm64'),
    'on_macos on_intel': file('darwin-x64'),
    'on_linux on_arm': file('linux-arm64'),
    'on_linux on_intel': file('linux-x64-baseline'),
  });
});

test('it starts as root, and says what that means where a user owns the folder', () => {
  expect(formula).toContain('require_root true\n');
  expect(formula).toContain('sudo install -m 755 #{opt_bin}/snet /usr/local/bin/snet\n');
});

describe('is not written', () => {
  test.each([
    ['without a file', { sums: new Map([...sums].filter(([name]) => name !== 'snet-darwin-x64')) }],
    ['with a sum that is none', { sums: new Map([...sums.keys()].map((name) => [name, 'abc'])) }],
    ['with a version that ends the text', { version: '2.0.0"; system("id")' }],
    ['with an address that runs something', { repository: 'https://example.net/#{`id`}' }],
    ['with an address that is not https', { repository: 'http://example.net/snet' }],
  ])('%s', (_, changed) => {
    expect(() => renderFormula({ version: '2.0.0', repository: REPOSITORY, sums, ...changed })).toThrow(
      RangeError,
    );
  });
});
