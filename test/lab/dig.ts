/** dig(1) as a client: one try of 5 s, as long as programs are ready to wait for a name. */
import { ANYBODY } from './two_sides.ts';

/** The command line. A server is given as `@ADDRESS`, else it is one where nobody is. */
export function dig(...args: readonly string[]): string[] {
  const server = args.some((arg) => arg.startsWith('@')) ? [] : [`@${ANYBODY.v4}`];
  return ['dig', '+tries=1', '+time=5', ...server, ...args];
}

/** The RCODE of what dig has printed, such as `NXDOMAIN`. */
export function statusOf(printed: string): string | undefined {
  return /status: (\w+)/.exec(printed)?.[1];
}
