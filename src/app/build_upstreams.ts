/** From the configuration's upstreams to what flows are tried with: names resolved, keys derived. */
import type { Log } from '../base/log.ts';
import type { Config, ShadowsocksConfig } from '../config/config.ts';
import { formatHostPort } from '../net/address.ts';
import { createServerAddress, type Resolve, type ServerAddress } from '../upstream/server_address.ts';
import { METHODS } from '../upstream/shadowsocks/methods.ts';
import { createShadowsocksProtocol } from '../upstream/shadowsocks/shadowsocks.ts';
import { watchSilence } from '../upstream/silence.ts';
import { single } from '../upstream/single.ts';
import type { Upstream, Upstreams } from '../upstream/upstream.ts';

export interface BuiltUpstreams {
  readonly upstreams: Upstreams;
  /** Ends what keeps their addresses fresh. */
  stop(): void;
}

/** Milliseconds. */
const PATIENCE = 700;

/**
 * @throws ResolveError if a server's name has no address, AeadError if the wanted AEAD can't be had
 */
export async function buildUpstreams(config: Config, resolve: Resolve, log: Log): Promise<BuiltUpstreams> {
  const { server, port } = config.upstream;
  const address = await createServerAddress(server, port, resolve, log);
  const upstream = watchSilence(shadowsocks(config.upstream, config, address, log), ({ label }, flows) =>
    log.warn('the upstream gives no answer: wrong password or method?', {
      status: 'ERR_UPSTREAM_SILENT',
      upstream: label,
      flows,
    }),
  );
  return { upstreams: single(upstream), stop: () => address.stop() };
}

function shadowsocks(
  { server: host, port, method, password, tag }: ShadowsocksConfig,
  { aead }: Config,
  server: ServerAddress,
  log: Log,
): Upstream {
  const protocol = createShadowsocksProtocol({ method: METHODS[method], password, aead });
  log.info('aead', { method, provider: protocol.provider, why: protocol.why });
  const label = `shadowsocks ${formatHostPort(host, port)} ${method}`;
  return {
    label: tag === undefined ? label : `${label} (${tag})`,
    tls: undefined,
    patience: PATIENCE,
    takesNames: false,
    endpoints: () => server.endpoints(),
    tunnel: (target) => ({ session: protocol.session(target) }),
    report(result) {
      if (result.kind === 'opened') server.report(result.endpoint, true);
      else if (result.kind === 'failed') server.report(result.endpoint, false);
    },
  };
}
