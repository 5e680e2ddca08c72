/** Where the process begins and where its errors end. */
import { endWithStdout, exit, exitCodeOf } from './cli/exit.ts';

async function main(argv: readonly string[]): Promise<number> {
  // Children of ours: started by this program only, and without its command line.
  if (argv[0]?.startsWith('__')) {
    const { runHidden } = await import('./cli/hidden.ts');
    return runHidden(argv);
  }
  const { snet } = await import('./cli/snet.ts');
  return snet(argv);
}

endWithStdout();
try {
  exit(await main(process.argv.slice(2)));
} catch (error) {
  const { report } = await import('./cli/output.ts');
  report(error);
  exit(exitCodeOf(error));
}
