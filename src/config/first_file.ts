/** A first configuration file, for somebody who goes on from there: what was given, and the usual keys with what they are for. */
import { formatHostPort } from '../net/address.ts';
import type { Config, UpstreamConfig } from './config.ts';
import { formatDuration } from './duration.ts';
import { effective } from './redact.ts';
import { descriptionOf } from './schema_walk.ts';
import { FILE } from './schema.ts';
import { formatShareLink } from './share_link.ts';

/** Keys that are shown with what holds unless they say otherwise. */
const SHOWN = ['scope', 'bypass', 'listen', 'timeouts', 'log'] as const;

/** @param config of share links and subscriptions alone. @returns JSON with comments, secrets in the open */
export function renderFirstFile(config: Config): string {
  const { upstreams, subscriptions } = config;
  const others = upstreams.length + subscriptions.length > 1 || subscriptions.length > 0 ? ['group'] : [];
  const values = effective(config);
  return [
    '// Configuration of snet: `snet check -c FILE` checks it, `sudo snet run -c FILE` uses it.',
    '// It has passwords in it: nobody but root should be able to read it.',
    '{',
    '  "upstream": [',
    ...upstreams.flatMap((upstream) => [
      `    // ${labelOf(upstream)}`,
      `    ${JSON.stringify(formatShareLink(upstream))},`,
    ]),
    ...subscriptions.map(({ url, refresh }) => {
      const entry = { type: 'subscription', url: url.reveal(), refresh: formatDuration(refresh) };
      return `    ${onOneLine(entry)},`;
    }),
    '  ],',
    ...[...others, ...SHOWN].flatMap((key) => asComment(key, values[key])),
    ...asComment('dns', false),
    '}',
    '',
  ].join('\n');
}

function asComment(key: string, value: unknown): string[] {
  return ['', `  // ${descriptionOf(FILE, [key])}`, `  // ${JSON.stringify(key)}: ${onOneLine(value)},`];
}

function onOneLine(value: unknown): string {
  return JSON.stringify(value, undefined, 1).replace(/\n */g, ' ');
}

/** Without a secret, and on one line whatever the tag. */
function labelOf(upstream: UpstreamConfig): string {
  const { type, server, port, tag } = upstream;
  const method = upstream.type === 'shadowsocks' ? ` ${upstream.method}` : '';
  const name = tag === undefined ? '' : ` (${tag.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')})`;
  return `${type} ${formatHostPort(server, port)}${method}${name}`;
}
