/** One upstream of the configuration, with all that it is reached through. */
import { readFileSync } from 'node:fs';
import type { Log } from '../../base/log.ts';
import type { Runner } from '../../base/runner.ts';
import type { Config, PluginConfig, TlsConfig, UpstreamConfig } from '../../config/config.ts';
import { formatHostPort, type Endpoint } from '../../net/address.ts';
import type { HasAddress } from '../../net/local_addresses.ts';
import { targetOf } from '../../net/target.ts';
import { chain } from '../../upstream/chain.ts';
import { tunnelAt } from '../../upstream/chain/hop.ts';
import { startPlugin, type Plugin } from '../../upstream/plugin/plugin.ts';
import { createServerAddress, type Resolve, type ServerAddress } from '../../upstream/server_address.ts';
import { createTlsClient } from '../../upstream/tls/create.ts';
import type { TlsClient } from '../../upstream/tls_client.ts';
import type { Upstream } from '../../upstream/upstream.ts';
import { whyNot } from '../why_not.ts';
import { createBridge } from './bridge.ts';
import { tunnelsOf, type Tunnels } from './protocol.ts';

export interface BuiltUpstream {
  readonly upstream: Upstream;
  /**
   * Resolves when it can be used. Rejects with a ResolveError if its server's name has no address yet: it is asked for
   * again all the same, and the upstream has endpoints from then on. Rejects with anything else if it never will.
   */
  readonly ready: Promise<void>;
  /** The machine may have come to another network: asks for its address again, and ends what goes by one of ours that is gone. */
  renew(hasAddress: HasAddress): void;
  /** Ends what it keeps going: the refreshing of its address, its plugin. */
  stop(): Promise<void>;
}

export interface Surroundings {
  readonly config: Pick<Config, 'aead' | 'timeouts'>;
  readonly resolve: Resolve;
  readonly runner: Runner;
  readonly log: Log;
}

/** Milliseconds that connecting may take while another upstream waits; a group knows better. */
const PATIENCE = 700;

/**
 * @param isHop another is reached through it
 * @throws AeadError if the wanted AEAD can't be had, CredentialsError
 */
export function buildUpstream(one: UpstreamConfig, around: Surroundings, isHop = false): BuiltUpstream {
  const hop = isHop || one.via !== undefined ? labelOf({ ...one, via: undefined }) : undefined;
  const tunnels = tunnelsAt(hop, tunnelsOf(one, around.config.aead, around.log));
  const tls = tlsOf(one, around.log);
  const label = labelOf(one);
  const own = { label, patience: PATIENCE, takesNames: one.names, suspects: suspectsOf(one) };
  if (one.via === undefined) {
    const address = serverAddress(one, around);
    return {
      ready: address.ready,
      upstream: {
        ...own,
        hop,
        tls,
        endpoints: () => address.endpoints(),
        tunnel: tunnels,
        report(result) {
          if (result.kind === 'opened') address.report(result.endpoint, true);
          else if (result.kind === 'failed' && result.endpoint) address.report(result.endpoint, false);
        },
      },
      renew: () => address.renew(),
      stop: () => address.stop(),
    };
  }

  const outer = buildUpstream(one.via, around, true);
  const { ready } = outer;
  const server = targetOf(one.server, one.port);
  if (tls === undefined) {
    return {
      ready,
      upstream: {
        ...outer.upstream,
        ...own,
        tunnel: (target) => chain(outer.upstream.tunnel(server), tunnels(target)),
      },
      renew: (hasAddress) => outer.renew(hasAddress),
      stop: () => outer.stop(),
    };
  }
  const bridge = createBridge(outer.upstream, server, tls, hop!, around.config.timeouts.dial);
  return {
    ready,
    upstream: {
      ...own,
      hop,
      tls,
      endpoints: (destination) => outer.upstream.endpoints(destination).slice(0, 1),
      dial: (endpoint, end) => bridge.dial(endpoint, end),
      tunnel: tunnels,
      // What is wrong with the way there, the bridge has said to the outer one itself.
      report: () => {},
    },
    renew(hasAddress) {
      outer.renew(hasAddress);
      bridge.leaveGone(hasAddress);
    },
    async stop() {
      bridge.stop();
      await outer.stop();
    },
  };
}

/** In a chain each of them says where it is spoken. */
function tunnelsAt(hop: string | undefined, tunnels: Tunnels): Tunnels {
  return hop === undefined ? tunnels : (target) => tunnelAt(hop, tunnels(target));
}

/** Of a chain: those that say nothing of whether they believe us. */
function suspectsOf(one: UpstreamConfig): string | undefined {
  if (one.via === undefined) return undefined;
  const onTrust: string[] = [];
  for (let at: UpstreamConfig | undefined = one; at; at = at.via)
    if (at.type === 'shadowsocks' || at.type === 'tls') onTrust.unshift(labelOf({ ...at, via: undefined }));
  return onTrust.length === 0 ? undefined : onTrust.join(' or ');
}

/** For logs: what it is and where. Never a secret. */
export function labelOf(one: UpstreamConfig): string {
  const kind = one.type === 'http' && one.tls ? 'https' : one.type;
  const method = one.type === 'shadowsocks' ? ` ${one.method}` : '';
  const plugin = one.type === 'shadowsocks' && one.plugin ? ` by ${one.plugin.program}` : '';
  const tag = one.tag === undefined ? '' : ` (${one.tag})`;
  const via = one.via === undefined ? '' : ` via ${labelOf(one.via)}`;
  return `${kind} ${formatHostPort(one.server, one.port)}${method}${plugin}${tag}${via}`;
}

function tlsOf(one: UpstreamConfig, log: Log): TlsClient | undefined {
  const tls = one.type === 'http' || one.type === 'tls' ? one.tls : undefined;
  if (tls === undefined) return undefined;
  const client = createTlsClient({ host: one.server, ...filesOf(tls), ...tls });
  if (client.warning !== undefined) log.warn(client.warning, { upstream: labelOf(one) });
  return client;
}

/** They have just been looked at. */
function filesOf({ ca, cert, key }: TlsConfig) {
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path, 'utf8'));
  return { caPem: read(ca), certPem: read(cert), keyPem: read(key) };
}

/** Where to connect to: the server, or the plugin that goes there. */
function serverAddress(one: UpstreamConfig, around: Surroundings) {
  const { resolve, log } = around;
  const address = createServerAddress(one.server, one.port, resolve, log);
  const plugin = one.type === 'shadowsocks' ? one.plugin : undefined;
  if (plugin) return throughPlugin(plugin, address, around);
  return {
    ready: address.ready,
    endpoints: () => address.endpoints(),
    report: (endpoint: Endpoint, worked: boolean) => address.report(endpoint, worked),
    renew: () => address.renew(),
    stop: async () => address.stop(),
  };
}

/** It knows one address, so it is not started before there is one. */
function throughPlugin(plugin: PluginConfig, address: ServerAddress, { runner, log }: Surroundings) {
  let running: Plugin | undefined;
  let isStopped = false;
  const begin = async () => {
    running = await startPlugin({ ...plugin, remote: () => address.endpoints() }, runner, log);
    if (isStopped) await running.stop();
  };
  const beginLater = async (why: unknown) => {
    address.known.then(begin).catch((error: unknown) => {
      log.error('the plugin does not start', { plugin: plugin.program, ...whyNot(error) });
    });
    throw why;
  };
  const ready = address.ready.then(begin, beginLater);
  ready.catch(() => {});
  return {
    ready,
    endpoints: () => (running ? [running.endpoint] : []),
    // What becomes of the way from there on, only the plugin knows.
    report: () => {},
    renew: () => address.renew(),
    async stop() {
      isStopped = true;
      address.stop();
      await running?.stop();
    },
  };
}
