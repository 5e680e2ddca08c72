/** dnsperf, by DNS-OARC: asks a server what a file says, as fast as it answers. */
import type { Netns } from '../lab/netns.ts';

export interface Load {
  /** Questions, one a line. */
  readonly file: string;
  readonly server: string;
  readonly port: number;
  /** Queries that wait at once, at most. */
  readonly outstanding: number;
  /** How often the file is gone through; or for how many seconds. */
  readonly times?: number;
  readonly seconds?: number;
}

/** Asks, and throws if a question was left without an answer or got anything but NOERROR. @returns how many were answered */
export async function ask(ns: Netns, load: Load): Promise<number> {
  return answered(await ns.must(argvOf(load)));
}

/** The same. @returns the microseconds that each answer took, rising */
export async function time(ns: Netns, load: Load): Promise<number[]> {
  const text = await ns.must([...argvOf(load), '-v']);
  void answered(text);
  // > NOERROR name type seconds
  const times = [...text.matchAll(/^> NOERROR \S+ \S+ ([\d.]+)$/gm)].map(
    ([, seconds]) => Number(seconds) * 1e6,
  );
  return times.sort((a, b) => a - b);
}

function argvOf({ file, server, port, outstanding, times, seconds }: Load): string[] {
  const argv = ['dnsperf', '-s', server, '-p', String(port), '-d', file, '-q', String(outstanding)];
  if (times !== undefined) argv.push('-n', String(times));
  if (seconds !== undefined) argv.push('-l', String(seconds));
  return argv;
}

function answered(text: string): number {
  const [, completed] = /Queries completed:\s+(\d+)/.exec(text)!;
  const [, lost] = /Queries lost:\s+(\d+)/.exec(text)!;
  const [, codes] = /Response codes:\s+(.*)$/m.exec(text)!;
  if (lost !== '0' || !/^NOERROR \d+ \(100.00%\)$/.test(codes!)) throw new Error(text.slice(-2000));
  return Number(completed);
}
