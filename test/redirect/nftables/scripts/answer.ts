/** An HTTP server on all addresses that answers everything with one word: `answer.ts PORT WORD`. Says `done` when it listens. */
import { say } from './plan.ts';

const [port, word] = process.argv.slice(2);
Bun.serve({ hostname: '::', port: Number(port), fetch: () => new Response(word) });
say('done');
