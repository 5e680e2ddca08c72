/** The command line of a plugin: its program, found, and in front of it what ends it when we are killed. */
import type { Log } from '../../base/log.ts';
import { findProgram, missingProgram, PLUGIN_PATH, RunError, type Runner } from '../../base/runner.ts';
import { PluginError } from './plugin_error.ts';

/** Names that share links use, and those that packages have for the same program. */
const ALSO_CALLED: Readonly<Record<string, string>> = {
  'simple-obfs': 'obfs-local',
  'v2ray-plugin': 'ss-v2ray-plugin',
};

/**
 * The plugin's program.
 * @param program a name, looked for in {@link PLUGIN_PATH}, or an absolute path
 * @returns its absolute path
 * @throws PluginError ERR_PLUGIN_MISSING
 */
export function locatePlugin(program: string): string {
  const otherName = ALSO_CALLED[program];
  const found = findProgram(program) ?? (otherName === undefined ? undefined : findProgram(otherName));
  if (found !== undefined) return found;
  if (program.startsWith('/'))
    throw new PluginError('ERR_PLUGIN_MISSING', `there is no program ${program}, or it may not be run`);
  const names = otherName === undefined ? program : `${program}, nor ${otherName},`;
  throw new PluginError('ERR_PLUGIN_MISSING', `no plugin ${names} in ${PLUGIN_PATH}`, {
    hint: missingProgram(otherName ?? program).hint,
  });
}

/**
 * setpriv(1) of util-linux has the kernel send the plugin SIGTERM as soon as we are gone, however that came about
 * (prctl(2), PR_SET_PDEATHSIG). It becomes the plugin itself, which keeps our process's child.
 */
const TIED = ['setpriv', '--pdeathsig', 'TERM', '--'] as const;

/** What goes before a plugin's path. Nothing, with a warning, on a machine that has no such setpriv (busybox has another). */
export async function tyingPrefix(runner: Runner, plugin: string, log: Log): Promise<readonly string[]> {
  const refusal = await refusalOf(runner);
  if (refusal === undefined) return TIED;
  log.warn(
    'if snet is killed (SIGKILL), this plugin goes on running: there is no setpriv of util-linux here, which would end it',
    {
      plugin,
      reason: refusal,
    },
  );
  return [];
}

async function refusalOf(runner: Runner): Promise<string | undefined> {
  try {
    const { code, stderr } = await runner.run([...TIED, 'true']);
    return code === 0 ? undefined : stderr.trim() || `exit code ${code}`;
  } catch (error) {
    if (error instanceof RunError) return error.message;
    throw error;
  }
}
