/** What a program says, line by line. */

/** Characters. A program that ends no line must not fill our memory. */
const LONGEST = 8_192;

/** The lines of a stream, without their ends; the last one may have had none. A pipe that breaks is an end like any other. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const bytes of stream) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
      rest = lines.pop()!;
      yield* lines;
      if (rest.length < LONGEST) continue;
      yield rest;
      rest = '';
    }
  } catch {
    // What has come is all that there is.
  }
  if (rest !== '') yield rest;
  return undefined;
}
