/** Asks the snet that runs in this network, if one does. */
import { SnetError } from '../base/errors.ts';
import { controlPath, type ControlFault } from './control.ts';

export type AskStatus =
  /** The socket is there, but not for us. */
  | 'ERR_CONTROL_PERMISSION'
  /** There is none to be asked. */
  | 'ERR_CONTROL_NONE'
  /** It said no. */
  | 'ERR_CONTROL_REFUSED'
  /** It said nothing that could be understood, or broke off. */
  | 'ERR_CONTROL_BROKEN';

export class AskError extends SnetError<AskStatus> {}

/**
 * @param path with its query, as control.ts has them
 * @returns the answer; undefined if no snet runs here
 * @throws AskError
 */
export async function askControl(path: string, socket = controlPath()): Promise<unknown> {
  const response = await get(path, socket);
  if (response === undefined) return undefined;
  try {
    const body: unknown = await response.json();
    if (response.ok) return body;
    const { message } = body as ControlFault;
    throw new AskError('ERR_CONTROL_REFUSED', `the running snet says: ${message}`);
  } catch (cause) {
    if (cause instanceof AskError) throw cause;
    throw new AskError('ERR_CONTROL_BROKEN', `the answer of the running snet can't be read`, { cause });
  }
}

async function get(path: string, unix: string): Promise<Response | undefined> {
  try {
    return await fetch(`http://snet${path}`, { unix });
  } catch (cause) {
    const { code } = cause as { readonly code?: string };
    // Nobody has made it, or who made it was killed.
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    if (code === 'EACCES') {
      throw new AskError('ERR_CONTROL_PERMISSION', 'only root may ask the running snet', {
        cause,
        hint: 'Run the same command with sudo.',
      });
    }
    throw new AskError('ERR_CONTROL_BROKEN', `the running snet can't be asked`, { cause });
  }
}
