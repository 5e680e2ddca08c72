/** What is believed of a server's certificate, as the query of a share link says it. */
import type { TlsConfig } from './config.ts';
import { unknownOption, within, type Query } from './link_parts.ts';
import { Fault } from './leaf.ts';
import { parseHost } from './host.ts';

export const PIN_FORM = 'the SHA-256 of a certificate, 64 hexadecimal digits';

/** Nothing said: the system's authorities are believed. */
export const DEFAULT_TLS: TlsConfig = {
  sni: undefined,
  ca: undefined,
  pins: [],
  cert: undefined,
  key: undefined,
  insecure: false,
};

const OPTIONS = ['sni', 'pin', 'ca', 'cert', 'key', 'insecure'];

/** As openssl prints it, in front "sha256 Fingerprint=" or "sha256:" too. @returns 64 lower-case hexadecimal digits */
export function parsePin(text: string): string | Fault {
  const digits = text
    .trim()
    .replace(/^sha-?256( fingerprint)?[=:]/i, '')
    .replaceAll(':', '')
    .toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  return new Fault(PIN_FORM, { hint: 'openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE prints it' });
}

/** The key belongs to the certificate: both or none. */
export function checkedPair<Tls extends Pick<TlsConfig, 'cert' | 'key'>>(tls: Tls): Tls | Fault {
  if ((tls.cert === undefined) === (tls.key === undefined)) return tls;
  const [there, missing] = tls.cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
  return new Fault(`both "cert" and "key", or neither`, { found: `"${there}" without "${missing}"` });
}

/** Of several values of an option the last counts; `pin` may be there often, or have commas. */
export function parseTlsOptions(query: Query): TlsConfig | Fault {
  let tls: TlsConfig = DEFAULT_TLS;
  for (const [name, value] of query) {
    const option = parseOption(name, value, tls.pins);
    if (option instanceof Fault) return option;
    tls = { ...tls, ...option };
  }
  return checkedPair(tls);
}

function parseOption(name: string, value: string, before: readonly string[]): Partial<TlsConfig> | Fault {
  if (!OPTIONS.includes(name)) return unknownOption(name, OPTIONS);
  if (value === '') return new Fault(`a value after ${name}=`, { found: 'nothing' });
  switch (name) {
    case 'sni': {
      const sni = parseHost(value);
      return sni instanceof Fault ? within('sni', sni) : { sni };
    }
    case 'pin': {
      const pins = value.split(',').map(parsePin);
      const wrong = pins.find((pin) => pin instanceof Fault);
      return wrong ? within('pin', wrong) : { pins: [...before, ...(pins as string[])] };
    }
    case 'insecure': {
      if (value === '1' || value === 'true') return { insecure: true };
      if (value === '0' || value === 'false') return { insecure: false };
      return new Fault('insecure=1 or insecure=0', { found: 'another value' });
    }
    default:
      return value.includes('\0')
        ? new Fault(`a path after ${name}=`, { found: 'something else' })
        : { [name]: value };
  }
}

/** What {@link parseTlsOptions} reads as the same. */
export function formatTlsOptions({ sni, ca, pins, cert, key, insecure }: TlsConfig): Query {
  const pairs: [string, string | undefined][] = [
    ['sni', sni],
    ...pins.map((pin): [string, string] => ['pin', pin]),
    ['ca', ca],
    ['cert', cert],
    ['key', key],
    ['insecure', insecure ? '1' : undefined],
  ];
  return pairs.filter((pair): pair is [string, string] => pair[1] !== undefined);
}
