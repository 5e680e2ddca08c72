/** What meddler.ts puts into answers. Here, because tests import it and meddler.ts is a program. */

/** As the Great Firewall does: one after the other, each faster than the truth. All but the last are bogus by themselves. */
export const FORGED = ['8.7.198.45', '0.0.0.0', '127.0.0.1', '192.168.1.1', '31.13.94.37'] as const;

/** In answers with another id, or to another question. It is in China, so that it would be believed. */
export const WRONG = '223.6.6.6';
