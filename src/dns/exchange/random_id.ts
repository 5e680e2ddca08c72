/** Message ids that can't be guessed (RFC 5452 §9.2). */

/** Drawn in stock: one call of the generator costs more than an id. */
const stock = new Uint16Array(512);
let used = stock.length;

/** 0..65535, from the cryptographic generator. */
export function randomId(): number {
  if (used === stock.length) {
    crypto.getRandomValues(stock);
    used = 0;
  }
  return stock[used++]!;
}
