/** Folders for the files of tests: empty at first, gone with all that is in them afterwards. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Folder {
  /** There is one in the hooks that follow and in the tests. */
  readonly path: string;
  /** The path of a file in it, which need not be there. */
  file(name: string): string;
}

/** One for all tests of a `describe`, or of a file. */
export const folderForAll = (): Folder => folder(beforeAll, afterAll);

/** Another for each, so that none finds what another has left. */
export const folderForEach = (): Folder => folder(beforeEach, afterEach);

function folder(before: (hook: () => void) => void, after: (hook: () => void) => void): Folder {
  let path: string | undefined;
  const known = () => {
    if (path === undefined) throw new Error('there is no folder yet: the tests have not begun');
    return path;
  };
  before(() => {
    path = mkdtempSync(join(tmpdir(), 'snet-test-'));
  });
  after(() => rmSync(known(), { recursive: true }));
  return {
    get path() {
      return known();
    },
    file: (name) => join(known(), name),
  };
}
