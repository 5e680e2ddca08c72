/** Text as a QR code (ISO/IEC 18004), for the camera of a phone. */
import { renderUnicodeCompact } from 'uqr';

/** Modules around it that stay light; the standard wants 4, readers are content with 2. */
const BORDER = 2;

/** ECMA-48 §8.3.117: bright white on black, whatever the colours of the terminal are. */
const COLOURS = ['\x1b[97;40m', '\x1b[0m'] as const;

/** @param coloured for a terminal; without, it can be read where light letters are on a dark ground */
export function renderQr(text: string, coloured: boolean): string {
  const code = renderUnicodeCompact(text, { border: BORDER });
  if (!coloured) return code;
  return code
    .split('\n')
    .map((line) => COLOURS.join(line))
    .join('\n');
}
