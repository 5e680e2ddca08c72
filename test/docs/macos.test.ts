/** docs/macos.md says nothing that the program doesn't. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { FILE } from '../../src/config/schema.ts';
import { descriptionOf } from '../../src/config/schema_walk.ts';
import { ANCHOR } from '../../src/redirect/pf/names.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const page = readFileSync(`${ROOT}docs/macos.md`, 'utf8');
const code = [...new Bun.Glob('src/**/*.ts').scanSync(ROOT)]
  .map((path) => readFileSync(ROOT + path, 'utf8'))
  .join('\n');

const found = (pattern: RegExp) => [...new Set([...page.matchAll(pattern)].map(([, text]) => text!))];

describe('docs/macos.md', () => {
  test('names no status that there isn’t', () => {
    const statuses = found(/\b(ERR_[A-Z_]+)\b/g);
    expect(statuses.length).toBeGreaterThan(5);
    expect(statuses.filter((status) => !code.includes(`'${status}'`))).toEqual([]);
  });

  test('has every status of pf', () => {
    const own = [...code.matchAll(/'(ERR_PF_[A-Z_]+)'/g)].map(([, status]) => status!);
    expect(own).not.toEqual([]);
    expect(own.filter((status) => !page.includes(status))).toEqual([]);
  });

  test.each([
    'the main ruleset of pf has no anchors',
    'pf skips lo0',
    'a connection that they should have caught did not come to us',
    'put right what another program had done to pf',
    'connections go straight out, past the proxy',
    'another program has changed pf',
    'the rules of pf catch nothing any more',
    '/etc/pf.conf itself says so',
    'could not load /etc/pf.conf anew',
    'pf was off, and its main ruleset blocks',
    'what is asked of a resolver with a link-local address can not be caught',
    'questions to resolvers with link-local addresses',
    'net.inet.tcp.tso could not be set to 0',
    'original destinations are asked of pf',
    'macOS has no other',
  ])('quotes what is said: %s', (text) => {
    expect(page).toContain(text);
    expect(code).toContain(text);
  });

  test('names the keys of the file', () => {
    for (const key of found(/`redirect\.([a-z0-9-]+)`/g))
      expect(descriptionOf(FILE, ['redirect', key])).toContain('macOS');
    expect(page).toContain('reload-pf-conf');
  });

  test('asks pf for the rules where they are', () => {
    const anchors = found(/pfctl -a (\S+)/g);
    expect(anchors).toEqual([ANCHOR]);
  });
});
