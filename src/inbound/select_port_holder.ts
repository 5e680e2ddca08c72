/** Who listens on a TCP port of this machine: for the person who finds it taken. How that is found out is the system's own. */
export { portHolder } from './port_holder.ts';
