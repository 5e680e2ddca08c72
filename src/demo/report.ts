/** What the demo found, judged line by line, and how it is shown. Pure. */
import type { Fetched } from './fetcher.ts';
import { SITE_ADDRESS, type Pair } from './topology.ts';

/** How a connection came to the origin. */
export type Way = 'direct' | 'proxy';

/** One fetch, and the way that it has to go. */
export interface Visit {
  readonly step: string;
  readonly url: string;
  readonly expected: Way;
}

/** One line of the table. */
export interface Line {
  readonly step: string;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly ms: number | undefined;
  readonly ok: boolean;
}

/** Which way a connection took that the origin saw coming from `peer`; undefined: from nobody of the demo. */
export function wayOf(peer: string): Way | undefined {
  const is = ({ v4, v6 }: Pair) => peer === v4 || peer === v6;
  if (is(SITE_ADDRESS.client)) return 'direct';
  if (is(SITE_ADDRESS.server)) return 'proxy';
  return undefined;
}

/** Right if it was answered, whole, and came to the origin the expected way. */
export function judgeVisit({ step, url, expected }: Visit, fetched: Fetched | undefined): Line {
  if (!fetched?.answered) {
    const found = fetched ? `no answer: ${fetched.problem}` : 'not fetched';
    return { step, what: url, expected, found, ms: fetched?.ms, ok: false };
  }
  const way = wayOf(fetched.peer);
  const found = `${way ?? 'astray'}, seen as ${fetched.peer}${fetched.intact ? '' : ', body damaged'}`;
  return { step, what: url, expected, found, ms: fetched.ms, ok: way === expected && fetched.intact };
}

/** The same for a large body, whose size and speed are shown as well. */
export function judgeBulk(visit: Visit, fetched: Fetched | undefined, size: number): Line {
  const line = judgeVisit(visit, fetched);
  if (!fetched?.answered) return line;
  const speed = Math.round(fetched.bytes / 1e6 / (fetched.bodyMs / 1e3));
  return {
    ...line,
    expected: `${visit.expected}, ${mebibytes(size)}`,
    found: `${line.found}, ${mebibytes(fetched.bytes)}${fetched.intact ? ', hash equal' : ''}, ${speed} MB/s`,
    ok: line.ok && fetched.bytes === size,
  };
}

/** Right if nothing was left; `found` has one entry for each thing that was. */
export function judgeRemains(step: string, what: string, remains: readonly string[]): Line {
  const found = remains.length === 0 ? 'nothing' : remains.join(', ');
  return { step, what, expected: 'nothing', found, ms: undefined, ok: remains.length === 0 };
}

export function allRight(lines: readonly Line[]): boolean {
  return lines.length > 0 && lines.every(({ ok }) => ok);
}

/** For people: aligned columns, a line each, without a newline at the end. */
export function renderTable(lines: readonly Line[]): string {
  const rows = [
    ['STEP', 'WHAT', 'EXPECTED', 'FOUND', 'MS', ''],
    ...lines.map(({ step, what, expected, found, ms, ok }) => [
      step,
      what,
      expected,
      found,
      ms === undefined ? '' : ms.toFixed(1),
      ok ? 'ok' : 'WRONG',
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const isNumber = (column: number) => column === 4;
  return rows
    .map((row) =>
      row
        .map((cell, i) => (isNumber(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** For programs: one JSON document. */
export function renderJson(lines: readonly Line[]): string {
  return JSON.stringify({ ok: allRight(lines), lines }, undefined, 2);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes % 2 ** 20 === 0 ? 0 : 2)} MiB`;
}
