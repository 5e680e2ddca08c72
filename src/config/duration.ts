/** Durations as a person writes them: a whole number and a unit, `20ms`, `10s`, `5m`, `2h`. One grammar, no bare numbers. */
import { Fault } from './leaf.ts';

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
type Unit = keyof typeof UNITS;

/** Also in the JSON Schema. */
export const DURATION = /^(0|[1-9]\d{0,9})(ms|s|m|h)$/;

/** A timer that is set for longer fires at once: it counts in a signed 32-bit number of milliseconds (24.8 days). */
const MOST = 24 * 24 * UNITS.h;

export const DURATION_FORM = 'a duration such as "20ms", "10s", "5m" or "2h"';

/** @param least in milliseconds. @returns milliseconds */
export function parseDuration(text: string, least = 1): number | Fault {
  const match = DURATION.exec(text);
  if (!match) {
    const bare = /^\d+$/.test(text);
    return new Fault(DURATION_FORM, { hint: bare ? `say the unit: "${text}s" for seconds` : undefined });
  }
  const value = Number(match[1]) * UNITS[match[2] as Unit];
  if (value > MOST) return new Fault(`${DURATION_FORM}, at most "${formatDuration(MOST)}"`);
  if (value < least) return new Fault(`${DURATION_FORM}, at least "${formatDuration(least)}"`);
  return value;
}

/** The shortest text that {@link parseDuration} reads as the same number of milliseconds. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0ms';
  const unit = (['h', 'm', 's', 'ms'] as const).find((name) => milliseconds % UNITS[name] === 0) ?? 'ms';
  return `${milliseconds / UNITS[unit]}${unit}`;
}
