/** The form of what the file has under an upstream's `tls`. */
import * as v from 'valibot';
import type { TlsConfig } from './config.ts';
import { HOST_FORM, parseHost } from './host.ts';
import { Fault, parsedBy } from './leaf.ts';
import { path } from './leaf_schemas.ts';
import { checkedPair, parsePin, PIN_FORM } from './tls_options.ts';

const PIN = v.pipe(v.string(), v.title(PIN_FORM), parsedBy(parsePin));

const KEYS = v.strictObject({
  sni: v.optional(
    v.pipe(
      v.string(),
      v.metadata({ title: HOST_FORM, description: "The name in its certificate. Left out: the server's." }),
      parsedBy(parseHost),
    ),
  ),
  ca: v.optional(path("A PEM file of whom to trust instead of the system's authorities.")),
  pin: v.optional(
    v.pipe(
      v.union([v.pipe(PIN, v.transform((pin) => [pin])), v.array(PIN)]),
      v.description("The certificate's SHA-256, or a list of some that it may have: no other is believed."),
    ),
    [],
  ),
  cert: v.optional(path('A PEM file with the certificate that the server knows us by; with key.')),
  key: v.optional(path('A PEM file with its key.')),
  insecure: v.optional(
    v.pipe(v.boolean(), v.description('Believe any certificate that a pin, if there is one, allows.')),
    false,
  ),
}); // prettier-ignore

function tlsOf({ sni, ca, pin, cert, key, insecure }: v.InferOutput<typeof KEYS>): TlsConfig | Fault {
  return checkedPair({ sni, ca, pins: pin, cert, key, insecure });
}

/** @param description what it is for where it stands */
export const tls = (description: string) => v.pipe(KEYS, v.description(description), parsedBy(tlsOf));
