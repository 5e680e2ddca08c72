/** What `npm test` counts, from output as `bun test` 1.4.5 wrote it. */
import { expect, test } from 'bun:test';
import { asOne, countTests, lastLine, skippedByFile, skipReasons } from './run.ts';

const SUMMARY = ` 2 pass
 2 skip
 1 todo
 3 fail
 1 error
 3 expect() calls
Ran 8 tests across 4 files. [32.00ms]
`;

test('the summary is counted', () => {
  expect(countTests(`a.test.ts:\n(fail) bad [0.15ms]\n\n${SUMMARY}`, 1)).toEqual({
    passed: 2,
    failed: 3,
    skipped: 3,
  });
});

test('only the last one counts: a test may print such lines too', () => {
  const { passed, failed } = countTests(
    `${SUMMARY}\n 7 pass\n 0 fail\nRan 7 tests across 1 file. [9.00ms]\n`,
    0,
  );
  expect([passed, failed]).toEqual([7, 0]);
});

test.each([
  ['no summary: the runner itself died', 'a.test.ts:\n', 137],
  ['no summary, and yet no exit code', '', 0],
  [
    'a summary without failure and a bad exit code',
    ' 7 pass\n 0 fail\nRan 7 tests across 1 file. [9ms]\n',
    1,
  ],
])('%s', (_, output, exitCode) => expect(countTests(output, exitCode).failed).toBe(1));

test('a step that is no test is one', () => {
  expect([asOne('', 0), asOne('', 2)]).toEqual([
    { passed: 1, failed: 0, skipped: 0 },
    { passed: 0, failed: 1, skipped: 0 },
  ]);
});

test('reasons for skips are told once', () => {
  expect(skipReasons('x\nSKIPPED: b: needs root\nSKIPPED: a: needs nft\nSKIPPED: b: needs root\n')).toEqual([
    'SKIPPED: a: needs nft',
    'SKIPPED: b: needs root',
  ]);
});

test('skipped tests are found in the JUnit report', () => {
  const junit = `<testsuite name="a.test.ts">
    <testcase name="ok" classname="" time="0.00002" file="a.test.ts" line="2" assertions="1" />
    <testcase name="s1" classname="sk" time="0" file="a.test.ts" line="2" assertions="0">
      <skipped />
    </testcase>
    <testcase name="later" classname="" time="0" file="a.test.ts" line="2" assertions="0">
      <skipped message="TODO" />
    </testcase>`;
  expect(skippedByFile(junit)).toEqual(['SKIPPED: 2 in a.test.ts']);
});

test('the last line', () => {
  expect(lastLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
  expect(lastLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped');
});
