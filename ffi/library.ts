/** Opens shared libraries: the one place that calls `dlopen`. */
import { dlopen, type FFIFunction, type Library } from 'bun:ffi';

/**
 * The first of `names` that loads and has every symbol of `symbols`.
 * @returns undefined if none does; why not, one line a name, is appended to `reasons`
 */
export function openFirst<S extends Record<string, FFIFunction>>(
  names: readonly string[],
  symbols: S,
  reasons: string[] = [],
): { readonly name: string; readonly symbols: Library<S>['symbols'] } | undefined {
  for (const name of names) {
    try {
      return { name, symbols: dlopen(name, symbols).symbols };
    } catch (error) {
      reasons.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return undefined;
}
