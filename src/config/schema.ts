/**
 * The form of the configuration file: keys, values, defaults, and what each is for. The JSON Schema, the table of keys
 * in docs/config.md and the defaults in the help come from here.
 */
import * as v from 'valibot';
import { LOG_LEVELS } from '../base/log.ts';
import { AEAD_PREFERENCES, IPV6_FALLBACKS, MECHANISM_PREFERENCES, SCOPES } from './config.ts';
import { DNS } from './dns_schema.ts';
import { GROUP } from './group_schema.ts';
import { BYPASS_FORM, parseBypass } from './host.ts';
import { parsedBy } from './leaf.ts';
import { duration, port } from './leaf_schemas.ts';
import { SERVER } from './server_schema.ts';
import { UPSTREAMS } from './upstream_schema.ts';

/**
 * Lies in 65520–65533, which systemd leaves unused (systemd.io/UIDS-GIDS) and Debian reserves (Policy 9.2.2), and
 * below 65536, which is all that a container with an id map of its own has.
 */
export const DEFAULT_GID = 65526;

export const DEFAULT_PORT = 1111;

const TIMEOUTS = v.strictObject({
  dial: v.optional(duration('How long a connection to the upstream may take to be made.'), '10s'),
  idle: v.optional(
    duration('A connection that moves no byte in either direction for so long is ended.'),
    '10m',
  ),
  'half-closed': v.optional(duration('The same, once one direction has ended.'), '30s'),
  'first-data': v.optional(
    duration(
      "How long to wait for a program's first bytes, to send them in one packet with the proxy's header.",
      0,
    ),
    '20ms',
  ),
});

export const FILE = v.strictObject({
  $schema: v.optional(v.pipe(v.string(), v.description('Where editors find the JSON Schema of this file.'))),
  upstream: v.optional(
    v.pipe(
      UPSTREAMS,
      v.description(
        'The proxy server, or a list of some, in order of preference. May be left out if the command line or SNET_UPSTREAM gives it.',
      ),
    ),
  ),
  group: v.optional(v.pipe(GROUP, v.description('How one of several upstreams is chosen.')), {}),
  'allow-insecure-ciphers': v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        'Use Shadowsocks methods without authentication, too: anybody on the way can change what they carry.',
      ),
    ),
    false,
  ),
  listen: v.optional(
    v.pipe(
      v.strictObject({
        port: v.optional(
          port('TCP port on 127.0.0.1 and ::1 that connections are redirected to.'),
          DEFAULT_PORT,
        ),
      }),
      v.description('Where snet itself listens.'),
    ),
    {},
  ),
  scope: v.optional(
    v.pipe(
      v.picklist(SCOPES),
      v.description(
        'bypass-cn: addresses in China and private networks go straight out. global: only private networks do.',
      ),
    ),
    'bypass-cn',
  ),
  bypass: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.title(BYPASS_FORM), parsedBy(parseBypass))),
      v.metadata({
        description: 'What else goes straight out: blocks, IP addresses, host names (resolved at start).',
        examples: [['203.0.113.0/24', '2001:db8::/32', 'git.example.com']],
      }),
    ),
    [],
  ),
  redirect: v.optional(
    v.pipe(
      v.strictObject({
        mechanism: v.optional(
          v.pipe(
            v.picklist(MECHANISM_PREFERENCES),
            v.description(
              'What catches the connections in the kernel: nftables or iptables on Linux, pf on macOS. auto: the first that works here.',
            ),
          ),
          'auto',
        ),
        gid: v.optional(
          v.pipe(
            v.number(),
            v.integer(),
            v.minValue(1),
            // From 2³¹ - 1 on pfctl of macOS calls it illegal.
            v.maxValue(0x7ffffffe),
            v.description(
              'Group id that snet runs under, so that its own connections are not caught. Nothing else may run under it; it needs no entry in /etc/group.',
            ),
          ),
          DEFAULT_GID,
        ),
        'ipv6-fallback': v.optional(
          v.pipe(
            v.picklist(IPV6_FALLBACKS),
            v.description(
              'macOS: what becomes of IPv6 connections if those can’t be caught. block: refused at once, and programs use IPv4. direct: they go straight out.',
            ),
          ),
          'block',
        ),
        'reload-pf-conf': v.optional(
          v.pipe(
            v.boolean(),
            v.description(
              'macOS: load /etc/pf.conf anew where the main rules of pf no longer lead to those of snet, or lo0 is skipped. Rules that other programs have put there are lost until they put them there again.',
            ),
          ),
          false,
        ),
      }),
      v.description('How connections are caught.'),
    ),
    {},
  ),
  dns: v.optional(
    v.pipe(
      DNS,
      v.description(
        'The resolver, which catches port 53. false: names are resolved as they would be without snet.',
      ),
    ),
    {},
  ),
  timeouts: v.optional(v.pipe(TIMEOUTS, v.description('Durations: a whole number and ms, s, m or h.')), {}),
  aead: v.optional(
    v.pipe(
      v.picklist(AEAD_PREFERENCES),
      v.description('Which implementation of the ciphers to use. auto: the fastest that is right here.'),
    ),
    'auto',
  ),
  'max-connections': v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(1_000_000),
      v.description('The most connections at once. Left out: as many as the limit of open files allows.'),
    ),
  ),
  server: v.optional(v.pipe(SERVER, v.description('The far end, for snet server. It needs no upstream.'))),
  log: v.optional(
    v.pipe(
      v.strictObject({
        level: v.optional(
          v.pipe(v.picklist(LOG_LEVELS), v.description('What is logged on stderr: this, and what is worse.')),
          'info',
        ),
      }),
      v.description('The log.'),
    ),
    {},
  ),
});

/** A file that was found right, with defaults filled in and values parsed. */
export type File = v.InferOutput<typeof FILE>;
