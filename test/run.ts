/**
 * `npm test`: format, lint, types, then every test of the tree. Each of the first three counts as one test. The last
 * line on stdout is `N passed, N failed` or `N passed, N failed, N skipped`.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const ROOT = new URL('..', import.meta.url).pathname;

export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Step {
  readonly name: string;
  readonly argv: readonly string[];
  readonly count: (output: string, exitCode: number) => Count;
}

/**
 * Test files run in processes of their own: one that crashes (FFI can) fails alone and is counted. Two for each CPU: most of
 * the end-to-end tests wait for time to pass, not for the CPU.
 */
const JUNIT = `${ROOT}test/junit.xml`;
const TESTS = [
  'bun',
  'test',
  `--parallel=${2 * availableParallelism()}`,
  '--only-failures',
  '--timeout=20000',
  '--reporter=junit',
  `--reporter-outfile=${JUNIT}`,
];

const STEPS: readonly Step[] = [
  { name: 'format', argv: ['oxfmt', '--check'], count: asOne },
  { name: 'lint', argv: ['oxlint'], count: asOne },
  { name: 'types', argv: ['tsc', '-p', '.'], count: asOne },
  { name: 'tests', argv: TESTS, count: countTests },
];

export function asOne(_output: string, exitCode: number): Count {
  return { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 };
}

/**
 * Reads the summary that `bun test` ends with. What it fails to count (a run that ended without a summary, an exit
 * code that no failure explains) is one failure.
 */
export function countTests(output: string, exitCode: number): Count {
  const summaries = output.match(/(?:^ \d+ .*\n)+Ran \d+ tests? across \d+ files?\./gm);
  const summary = summaries?.at(-1) ?? '';
  const of = (word: string) => Number(new RegExp(`^ (\\d+) ${word}$`, 'm').exec(summary)?.[1] ?? 0);
  const failed = of('fail');
  const unexplained = failed === 0 && (exitCode !== 0 || summary === '');
  return { passed: of('pass'), failed: unexplained ? 1 : failed, skipped: of('skip') + of('todo') };
}

/** The reasons that test/needs.ts gave, each once. */
export function skipReasons(output: string): string[] {
  return [...new Set(output.match(/^SKIPPED: .+$/gm) ?? [])].toSorted();
}

/** How many tests of which file were skipped, whatever the reason, by the JUnit report. */
export function skippedByFile(junit: string): string[] {
  const counts = new Map<string, number>();
  for (const [, file] of junit.matchAll(/<testcase [^>]*\bfile="([^"]*)"[^>]*>\s*<skipped/g)) {
    counts.set(file!, (counts.get(file!) ?? 0) + 1);
  }
  return [...counts].map(([file, count]) => `SKIPPED: ${count} in ${file}`);
}

/** `N passed, N failed`, and `, N skipped` if there are any. */
export function lastLine({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** Runs a program; what it says is shown as it comes, and returned. */
async function run(argv: readonly string[]): Promise<{ readonly output: string; readonly exitCode: number }> {
  // Colours, forced by somebody's environment, would hide the summary from countTests.
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  const child = Bun.spawn([...argv], { cwd: ROOT, env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  let output = '';
  const follow = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      process.stderr.write(bytes);
      output += decoder.decode(bytes, { stream: true });
    }
  };
  await Promise.all([follow(child.stdout), follow(child.stderr)]);
  return { output, exitCode: await child.exited };
}

async function main(): Promise<number> {
  rmSync(JUNIT, { force: true });
  const total = { passed: 0, failed: 0, skipped: 0 };
  const report: string[] = [];
  const reasons: string[] = [];
  for (const { name, argv, count } of STEPS) {
    process.stderr.write(`\n== ${name}: ${argv.join(' ')}\n`);
    const began = performance.now();
    const { output, exitCode } = await run(argv);
    const found = count(output, exitCode);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    report.push(`${found.failed === 0 ? 'ok  ' : 'FAIL'} ${name}: ${lastLine(found)} (${seconds} s)`);
    reasons.push(...skipReasons(output));
    total.passed += found.passed;
    total.failed += found.failed;
    total.skipped += found.skipped;
  }
  if (existsSync(JUNIT)) reasons.push(...skippedByFile(readFileSync(JUNIT, 'utf8')));
  process.stdout.write(`\n${[...report, ...reasons, lastLine(total)].join('\n')}\n`);
  return total.failed === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
