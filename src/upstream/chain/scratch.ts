/**
 * Where one link of a chain puts what the next is to read. Chains nest, and each depth needs an outbox of its own; all
 * of this is synchronous, so no more are ever made than the deepest chain has links.
 */
import { Outbox } from '../../net/session.ts';

const free: Outbox[] = [];

/** An empty outbox, the caller's alone until it gives it back: before it returns, also where it throws. */
export function takeScratch(): Outbox {
  const scratch = free.pop() ?? new Outbox();
  scratch.end = 0;
  return scratch;
}

/** The other way. The caller forgets the outbox. */
export function giveBack(scratch: Outbox): void {
  free.push(scratch);
}
