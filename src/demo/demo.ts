/**
 * `snet demo`: the main job, shown on a small Internet of its own (topology.ts). Everything in it is real: the
 * kernel's rules, the proxy as a user starts it, a Shadowsocks server, a web server that says whom it sees, and a
 * program that fetches from it. The machine's own network is not touched.
 */
import { systemRunner, type Runner } from '../base/runner.ts';
import { parseAddress } from '../net/address.ts';
import { contains, type DualRanges } from '../net/ranges.ts';
import { builtinCnRanges } from '../route/cn_ranges.ts';
import { castFor } from './cast.ts';
import { DemoError } from './errors.ts';
import { buildNamespaces, removeLeftovers, removeNamespaces } from './namespaces.ts';
import { print } from './print.ts';
import { allRight, renderJson, renderTable, type Line } from './report.ts';
import { play } from './script.ts';
import { ORIGIN } from './topology.ts';

export interface DemoOptions {
  /** Print the table as JSON. */
  readonly json: boolean;
}

/**
 * Shows it, prints the table on stdout, and removes all that it made, however it ends. Who calls it may make namespaces.
 * @returns the exit code: 0 if every line is right, 1 if not, 128 + the signal's number if one ended it
 * @throws DemoError if there is nothing to show
 */
export async function runDemo({ json }: DemoOptions): Promise<number> {
  checkAddresses(builtinCnRanges().ranges);
  const interruption = watchInterruption();
  try {
    await removeLeftovers(systemRunner);
    const lines = await perform(systemRunner, process.pid, interruption.signal);
    await print(json ? renderJson(lines) : renderTable(lines));
    return allRight(lines) ? 0 : 1;
  } catch (error) {
    // Whatever failed, failed because all children were ended.
    if (interruption.code !== undefined) return interruption.code;
    throw error;
  } finally {
    interruption.stop();
  }
}

/** Builds the stage, plays, and takes it down. */
async function perform(runner: Runner, owner: number, signal: AbortSignal): Promise<Line[]> {
  await using undo = new AsyncDisposableStack();
  say('building three network namespaces');
  undo.defer(() => removeNamespaces(runner, owner));
  await buildNamespaces(runner, owner, signal);

  const cast = undo.use(castFor(runner, owner, signal));
  return await play(cast, say);
}

/**
 * Holds the demo's addresses against the table that the proxy goes by: addresses change hands.
 * @throws DemoError naming those that are on the wrong side
 */
export function checkAddresses({ v4, v6 }: DualRanges): void {
  const misplaced = (['china', 'world'] as const).flatMap((place) =>
    [ORIGIN[place].v4, ORIGIN[place].v6].filter((text) => {
      const address = parseAddress(text)!;
      return contains(address.family === 4 ? v4 : v6, address) !== (place === 'china');
    }),
  );
  if (misplaced.length > 0) {
    const addresses = misplaced.join(', ');
    throw new DemoError('ERR_DEMO_ADDRESSES', `not where the demo takes them to be: ${addresses}`, {
      hint: 'the built-in table of addresses in China has changed; this is a bug of the demo',
    });
  }
}

/** From here on SIGINT, SIGTERM and SIGHUP end the children, not this process, which has to tidy up. */
function watchInterruption() {
  const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
  const controller = new AbortController();
  let code: number | undefined;
  const handlers = Object.entries(numbers).map(([signal, number]) => {
    const handler = () => {
      code ??= 128 + number;
      controller.abort(new DemoError('ERR_DEMO_INTERRUPTED', `ended by ${signal}`));
    };
    process.on(signal, handler);
    return () => void process.off(signal, handler);
  });
  return {
    signal: controller.signal,
    get code() {
      return code;
    },
    stop() {
      for (const remove of handlers) remove();
    },
  };
}

function say(what: string): void {
  process.stderr.write(`${what}\n`);
}
