/** Sizes of memory as a person writes them: a whole number and a unit, `512KiB`, `32MiB`. No bare numbers but 0. */
import { Fault } from './leaf.ts';

const UNITS = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;
type Unit = keyof typeof UNITS;

/** Also in the JSON Schema. */
export const SIZE = /^(?:0|([1-9]\d{0,6})(KiB|MiB|GiB))$/;

export const SIZE_FORM = 'a size such as "512KiB", "32MiB" or "0"';

/** @param most in bytes. @returns bytes */
export function parseSize(text: string, most: number): number | Fault {
  const match = SIZE.exec(text);
  if (!match) {
    const bare = /^\d+$/.test(text);
    return new Fault(SIZE_FORM, { hint: bare ? `say the unit: "${text}MiB"` : undefined });
  }
  const value = match[1] === undefined ? 0 : Number(match[1]) * UNITS[match[2] as Unit];
  return value > most ? new Fault(`${SIZE_FORM}, at most "${formatSize(most)}"`) : value;
}

/** The shortest text that {@link parseSize} reads as the same number of bytes, a multiple of 1024. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0';
  const unit = (['GiB', 'MiB', 'KiB'] as const).find((name) => bytes % UNITS[name] === 0) ?? 'KiB';
  return `${bytes / UNITS[unit]}${unit}`;
}
