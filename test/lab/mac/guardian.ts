/** Who stands by. */
import { readFileSync } from 'node:fs';
import { expect } from 'bun:test';
import { GUARDIAN_ARG } from '../../../src/redirect/guardian/guardian.ts';
import { childrenOf } from '../proc.ts';

/** The pid of the one guardian among the children of a program, which also has one that watches the routes. */
export function guardianOf({ pid }: { readonly pid: number }): number {
  const guardians = childrenOf(pid).filter((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0').includes(GUARDIAN_ARG),
  );
  expect(guardians).toHaveLength(1);
  return guardians[0]!;
}
