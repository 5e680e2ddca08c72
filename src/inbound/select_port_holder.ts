/** Who listens on a TCP port of this machine: for the person who finds it taken. How that is found out is the system's own. */
import { portHolder as darwin } from './port_holder_darwin.ts';
import { portHolder as linux } from './port_holder_linux.ts';

/** @returns `process 1234 (nginx)`; undefined if it can't be told */
export const portHolder: (port: number) => string | undefined =
  process.platform === 'darwin' ? (port) => darwin(port) : (port) => linux(port);
