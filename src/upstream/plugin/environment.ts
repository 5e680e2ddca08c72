/** What a plugin is told (SIP003, https://shadowsocks.org/doc/sip003.html). */
import { formatAddress, type Endpoint } from '../../net/address.ts';

/**
 * Variables for the plugin, besides which it finds none of ours.
 *
 * It is told an address even where the server has a name: the name is then resolved once, by the code that does so for
 * every upstream, instead of a second time by a program whose resolver we don't know; and it is found out at start that a
 * name has no address. What a plugin needs a name for, such as SNI or the Host of a request, is an option of its own in
 * all of the known ones (`host`, `obfs-host`, `ServerName`).
 *
 * @param local where it is to listen
 * @param options as the configuration has them, with their backslashes
 */
export function pluginEnvironment(
  remote: Endpoint,
  local: Endpoint,
  options: string | undefined,
): Record<string, string> {
  return {
    SS_REMOTE_HOST: formatAddress(remote.address),
    SS_REMOTE_PORT: String(remote.port),
    SS_LOCAL_HOST: formatAddress(local.address),
    SS_LOCAL_PORT: String(local.port),
    ...(options === undefined ? {} : { SS_PLUGIN_OPTIONS: options }),
  };
}
