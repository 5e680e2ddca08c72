import { expect } from 'bun:test';
import { RedirectError } from '../../src/redirect/redirect.ts';

/** The error of a call, or undefined; no other error than ours may come. */
export async function failure(call: Promise<unknown>): Promise<RedirectError | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(RedirectError);
    return error as RedirectError;
  }
}
