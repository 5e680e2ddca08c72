/** The form of what the file has under `group`. */
import * as v from 'valibot';
import { POLICIES } from './config.ts';
import { Fault, parsedBy } from './leaf.ts';
import { duration } from './leaf_schemas.ts';

/** Answers 204 without a body, from everywhere but where it is blocked: what is measured is the way there. */
const DEFAULT_PROBE_URL = 'http://www.gstatic.com/generate_204';

const PROBE_FORM = 'an http:// URL, or false';

/** Plain HTTP: whether it is the right server that answers doesn't matter, and TLS would be as much again as the probe. */
function parseProbeUrl(text: string): string | Fault {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  const url = scheme === 'http' && URL.canParse(text) ? new URL(text) : undefined;
  if (url && url.username === '' && url.password === '') return url.href;
  if (url) return new Fault(PROBE_FORM, { found: 'one with a user in it' });
  const hint = scheme === 'https' ? 'write http://: a probe is one small question, without TLS' : undefined;
  return new Fault(PROBE_FORM, { hint });
}

export const GROUP = v.strictObject({
  policy: v.optional(
    v.pipe(
      v.picklist(POLICIES),
      v.description(
        'failover: the first of the list that works. fastest: the one that answers soonest. round-robin: each in turn. sticky: always the same for one destination.',
      ),
    ),
    'failover',
  ),
  'probe-url': v.optional(
    v.pipe(
      v.union([v.literal(false), v.pipe(v.string(), v.title('an http:// URL'), parsedBy(parseProbeUrl))]),
      v.description(
        'What each upstream is asked for from time to time, to know whether it works and how fast. false: nothing is.',
      ),
    ),
    DEFAULT_PROBE_URL,
  ),
  'probe-interval': v.optional(duration('How often.', 1000), '30s'),
});
