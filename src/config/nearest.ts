/** "Did you mean": the candidate closest to a mistyped word. */

/**
 * @returns the candidate with the fewest edits (insert, delete, replace, swap of neighbours) if they are at most a
 *   third of the word's length, and at least one; case doesn't count
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= fewest) continue;
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) [best, fewest] = [candidate, edits];
  }
  return best;
}

/** "warning" for "warn", or the reverse. */
function continued(word: string, candidates: readonly string[]): string | undefined {
  return candidates.find(
    (candidate) =>
      Math.min(word.length, candidate.length) >= 3 &&
      (word.startsWith(candidate) || candidate.startsWith(word)),
  );
}

/** A hint made of it; failing that, of a candidate that the word begins with, or the reverse. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const candidate = nearest(word, candidates) ?? continued(word, candidates);
  return candidate === undefined ? undefined : `did you mean ${candidate}?`;
}

/** Optimal string alignment: Levenshtein's distance, a swap of two neighbours counting as one. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(previous[j]! + 1, current[j - 1]! + 1, replace);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, before[j - 2]! + 1);
      }
      current.push(least);
    }
    [before, previous] = [previous, current];
  }
  return previous[b.length]!;
}
