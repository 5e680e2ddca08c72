/** docs/interop.md, which the programs here write, each its own section. */

const REPORT = new URL('../../docs/interop.md', import.meta.url).pathname;
const TITLE =
  '# Proven against programs that nobody here wrote\n\nWhat is too long, or not packaged, for `npm test`.\n\n';

/** One thing that was tried. */
export interface Row {
  /** What was spoken: a method, and the user where there are several. */
  readonly method: string;
  readonly way: string;
  readonly well: boolean;
}

/** Says how each went. @returns how many did not */
export function print(rows: readonly Row[]): number {
  for (const { method, way, well } of rows)
    process.stdout.write(`${well ? 'ok  ' : 'FAIL'} ${method}: ${way}\n`);
  const failed = rows.filter(({ well }) => !well).length;
  process.stdout.write(`${rows.length - failed} passed, ${failed} failed\n`);
  return failed;
}

/** `2 of 3`; of nothing nothing. */
export function count(rows: readonly Row[]): string {
  return rows.length === 0 ? '' : `${rows.filter(({ well }) => well).length} of ${rows.length}`;
}

/** Puts `body` under a heading, in place of what stood there. */
export async function report(heading: string, body: string): Promise<void> {
  const file = Bun.file(REPORT);
  const text = (await file.exists()) ? await file.text() : TITLE;
  const [before = '', rest = ''] = text.split(`## ${heading}\n`);
  const after = rest.includes('\n## ') ? rest.slice(rest.indexOf('\n## ') + 1) : '';
  await Bun.write(REPORT, `${before.trimEnd()}\n\n## ${heading}\n\n${body}\n${after && `\n${after}`}`);
}
