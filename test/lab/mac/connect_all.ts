/** Connects to all destinations of argv, `HOST PORT HOST PORT …`, at once; prints how each ended as a JSON array of {@link Outcome}. */

export type Outcome = 'connected' | 'refused' | 'nothing';

/** Milliseconds: what the kernel decides, it decides at once. */
const PATIENCE = 1_000;

async function outcome(hostname: string, port: number): Promise<Outcome> {
  const connected = Bun.connect({ hostname, port, socket: { data() {} } }).then(
    () => 'connected' as const,
    (error: unknown) => ((error as { code?: string }).code === 'ECONNREFUSED' ? 'refused' : 'nothing'),
  );
  return Promise.race([connected, Bun.sleep(PATIENCE).then(() => 'nothing' as const)]);
}

const words = process.argv.slice(2);
const outcomes = words.flatMap((host, i) => (i % 2 === 0 ? [outcome(host, Number(words[i + 1]))] : []));
process.stdout.write(JSON.stringify(await Promise.all(outcomes)), () => process.exit());
