/** The form of what the file has under `dns`. */
import * as v from 'valibot';
import { parseAddress, type Address } from '../net/address.ts';
import { typeNumber } from '../net/record_type.ts';
import type { ResolverConfig } from './dns_config.ts';
import { parseResolver, parseTrustedResolver, RESOLVER_FORM, TRUSTED_FORM } from './dns_resolver.ts';
import { parsePattern, parseSuffix, PATTERN_FORM, SUFFIX_FORM } from './domain_pattern.ts';
import { DURATION, DURATION_FORM, parseDuration } from './duration.ts';
import { Fault, parsedBy } from './leaf.ts';
import { parsePath, path, PATH_FORM } from './leaf_schemas.ts';
import { parseSize, SIZE, SIZE_FORM } from './size.ts';

const DEFAULT_DNS_PORT = 1053;

/** AliDNS and DNSPod, which the machine reaches directly. */
const CHINA_RESOLVERS = ['223.5.5.5', '119.29.29.29'];

/**
 * DNS over plain TCP is what every upstream can carry: nothing but a TCP connection, on a port that servers' own
 * networks let out, with no certificate that this machine would have to have. Up to the upstream's server it is
 * encrypted as all else is; who wants it so beyond writes tls:// or https://.
 */
const TRUSTED_RESOLVERS = ['tcp://8.8.8.8', 'tcp://1.1.1.1'];

/** Where the program keeps what outlives it and is not configuration: answers, lists, address ranges. For root alone. */
export const STATE_DIRECTORY = '/var/lib/snet';

const LARGEST_CACHE = 2 ** 30;

const texts = <T>(
  title: string,
  description: string,
  parse: (text: string) => T | Fault,
  examples?: string[],
) =>
  v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.title(title), parsedBy(parse))),
      v.metadata({ description, ...(examples && { examples: [examples] }) }),
    ),
    [],
  );

const resolvers = (form: string, description: string, parse: (text: string) => ResolverConfig | Fault) => {
  const url = (meant: { readonly description?: string }) =>
    v.pipe(v.string(), v.metadata({ title: form, ...meant }), parsedBy(parse));
  const withAuthority = v.pipe(
    v.strictObject({
      url: url({ description: 'Where it is, as in the text alone.' }),
      ca: path("A PEM file of whom to trust instead of the system's, for resolvers of one's own."),
    }),
    v.transform((given): ResolverConfig => ({ ...given.url, ca: given.ca })),
  );
  return v.pipe(
    v.array(v.union([url({}), withAuthority])),
    v.minLength(1),
    v.metadata({ title: `a list with at least one, each ${form}`, description }),
  );
};

function parsePort(port: number): number | Fault {
  const why =
    port === 53 || port === 5353 ? `port ${port} is that of other DNS servers of this machine` : undefined;
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65535;
  return isPort && why === undefined ? port : new Fault('a port, 1 to 65535 but 53 and 5353', { hint: why });
}

const PORT = v.pipe(
  v.number(),
  v.metadata({
    title: 'a port, 1 to 65535 but 53 and 5353',
    description: 'UDP and TCP port on 127.0.0.1 and ::1 that DNS is redirected to.',
  }),
  parsedBy(parsePort),
);

const NOT_A_TYPE = 'a type of records such as "AAAA", "HTTPS" or "TYPE65"';

function parseType(text: string): number | Fault {
  return typeNumber(text) ?? new Fault(NOT_A_TYPE);
}

const types = (kind: string) =>
  texts(NOT_A_TYPE, `Types of records that ${kind} names have none of, whatever resolvers say.`, parseType, [
    'AAAA',
    'HTTPS',
  ]);

const LIST_FORM = 'a path, or an https:// URL';

function parseList(text: string): string | Fault {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return parsePath(text) instanceof Fault ? new Fault(LIST_FORM) : text;
  const hint = scheme === 'http' ? 'over http:// anybody on the way could change it' : undefined;
  return scheme === 'https' && URL.canParse(text)
    ? text
    : new Fault(LIST_FORM, { found: `a ${scheme}:// link`, hint });
}

const lists = (what: string) => texts(LIST_FORM, `Lists of ${what}.`, parseList);
const patterns = (description: string) =>
  texts(PATTERN_FORM, description, parsePattern, ['www.example.com', '*.example.com']);

function parseIp(text: string): Address | Fault {
  return parseAddress(text) ?? new Fault('an IPv4 or IPv6 address');
}

const IP = v.pipe(v.string(), v.title('an IP address'), parsedBy(parseIp));

const HOSTS = v.record(
  v.pipe(v.string(), parsedBy(parsePattern)),
  v.pipe(
    v.union([v.pipe(IP, v.transform((address) => [address])), v.pipe(v.array(IP), v.minLength(1))]),
    v.title('an IP address, or a list of some'),
  ),
); // prettier-ignore

const seconds = (description: string) =>
  v.pipe(
    v.string(),
    v.metadata({ title: DURATION_FORM, description, pattern: DURATION.source }),
    parsedBy((text): number | Fault => {
      const duration = parseDuration(text, 0);
      if (duration instanceof Fault) return duration;
      return duration % 1000 === 0 ? duration / 1000 : new Fault('a duration of whole seconds');
    }),
  );

const CACHE = v.strictObject({
  size: v.optional(
    v.pipe(
      v.string(),
      v.metadata({
        title: SIZE_FORM,
        description: 'Memory for answers. 0: none are kept.',
        pattern: SIZE.source,
      }),
      parsedBy((text) => parseSize(text, LARGEST_CACHE)),
    ),
    '32MiB',
  ),
  'min-ttl': v.optional(seconds('An answer is kept for at least so long.'), '0s'),
  'max-ttl': v.optional(seconds('An answer is kept for at most so long.'), '24h'),
  stale: v.optional(
    seconds(
      'For how long after its end an answer may still be given, if no new one comes in time (RFC 8767). 0s: never.',
    ),
    '24h',
  ),
  directory: v.optional(
    v.pipe(
      v.union([v.literal(false), v.pipe(v.string(), v.title(PATH_FORM), parsedBy(parsePath))]),
      v.description(
        'Folder for what outlives a restart: answers, verdicts, fetched lists. false: nothing does.',
      ),
    ),
    STATE_DIRECTORY,
  ),
});

const DNS_KEYS = v.strictObject({
  port: v.optional(PORT, DEFAULT_DNS_PORT),
  china: v.optional(
    resolvers(RESOLVER_FORM, 'Resolvers in China, asked directly.', parseResolver),
    CHINA_RESOLVERS,
  ),
  trusted: v.optional(
    resolvers(
      TRUSTED_FORM,
      'Resolvers that nobody lies for, asked through the upstream, hence not over UDP.',
      parseTrustedResolver,
    ),
    TRUSTED_RESOLVERS,
  ),
  unknown: v.optional(
    v.pipe(
      v.picklist(['race', 'trusted-only']),
      v.description(
        'What is done with a name that is in no list. race: both sides are asked, and the answer of China counts if its addresses are in China. trusted-only: the China resolvers never see it.',
      ),
    ),
    'race',
  ),
  lists: v.optional(
    v.pipe(
      v.strictObject({
        china: lists('names that are Chinese, beside the small one that is built in'),
        foreign: lists('names that are not, beside the small one that is built in'),
        block: lists('names that are answered as if they did not exist'),
      }),
      v.description('Files of names, as paths or URLs, which `snet update` fetches.'),
    ),
    {},
  ),
  names: v.optional(
    v.pipe(
      v.strictObject({
        china: patterns('Names that are Chinese, whatever the lists say.'),
        foreign: patterns('Names that are not, whatever the lists say.'),
      }),
      v.description('Single names.'),
    ),
    {},
  ),
  local: texts(
    SUFFIX_FORM,
    "Suffixes of names of the local network, which the system's own resolver is asked for; beside .lan, .local, .home.arpa and the like.",
    parseSuffix,
    ['corp.example.com'],
  ),
  hosts: v.optional(
    v.pipe(
      HOSTS,
      v.metadata({
        title: 'an object of names, or patterns such as "*.example.com", and their addresses',
        description: 'Names with fixed addresses.',
        examples: [{ 'nas.example.com': '192.168.1.9', '*.dev.example.com': ['127.0.0.1', '::1'] }],
      }),
    ),
    {},
  ),
  block: patterns('Names that are answered as if they did not exist.'),
  'block-answer': v.optional(
    v.pipe(
      v.picklist(['nxdomain', 'nodata', 'zero']),
      v.description('What is answered for those: no such name, no such record, or 0.0.0.0 and ::.'),
    ),
    'nxdomain',
  ),
  'refuse-types': v.optional(
    v.pipe(
      v.strictObject({ china: types('Chinese'), foreign: types('foreign'), unknown: types('unknown') }),
      v.description('Types that are not answered, by kind of name.'),
    ),
    {},
  ),
  strip: v.optional(
    v.pipe(
      v.array(v.picklist(['ech', 'h3'])),
      v.description(
        'What is taken out of HTTPS records: keys for encrypted hello messages, hints to use HTTP/3.',
      ),
    ),
    [],
  ),
  'mix-case': v.optional(
    v.pipe(
      v.boolean(),
      v.description('Mix upper and lower case in questions over UDP: harder to forge an answer to.'),
    ),
    false,
  ),
  'upstream-ipv6': v.optional(
    v.pipe(
      v.boolean(),
      v.description('false: the upstream has no IPv6, so names that go through it have no IPv6 addresses.'),
    ),
    true,
  ),
  cache: v.optional(v.pipe(CACHE, v.description('Answers that were given once.')), {}),
  log: v.optional(
    v.pipe(
      v.string(),
      v.metadata({
        title: '"stderr", or a path',
        description: 'Where a line is written for each query. Left out: nowhere.',
      }),
      parsedBy(parsePath),
    ),
  ),
});

export const DNS = v.union([v.literal(false), DNS_KEYS]);
export type DnsFile = v.InferOutput<typeof DNS_KEYS>;
