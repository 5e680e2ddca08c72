/** A split between scripted sides, on a clock of its own, for tests. */
import type { Verdict } from '../../src/dns/cache/verdicts.ts';
import { ExchangeError } from '../../src/dns/exchange/exchange.ts';
import type { Side } from '../../src/dns/question.ts';
import { createSplit, type Kind, type SplitOptions } from '../../src/dns/split.ts';
import { addressesOf, rcodeOf } from '../../src/dns/wire/answer.ts';
import { composeAddresses, composeFailure, composeNegative } from '../../src/dns/wire/compose.ts';
import { RCODE, rcodeName, typeNumber } from '../../src/dns/wire/constants.ts';
import { queryFor, readQuery } from '../../src/dns/wire/query.ts';
import { formatAddress, parseAddress, type Address } from '../../src/net/address.ts';
import { createFakeClock } from '../base/fake_clock.ts';
import { scripted, type Line } from './scripted_exchange.ts';

// China is 11.0.0.0/8 and 2400::/16 here, and the machine's own neighbourhood 10.0.0.0/8 and 127.0.0.0/8.
export const isChinese = ({ family, bytes }: Address) =>
  family === 4 ? bytes[0] === 11 : bytes[0] === 0x24 && bytes[1] === 0;
const isSpecial = ({ family, bytes }: Address) => family === 4 && [0, 10, 127].includes(bytes[0]!);

/** `at says`: addresses joined by commas, an RCODE, `NODATA`, `cut` (a message cut short), `other` (of another question), or an exchange's status. */
function line(text: string): Line {
  const [at, says] = text.split(' ') as [string, string];
  return { at: Number(at), says: speech(says) };
}

function speech(says: string): Line['says'] {
  if (says.startsWith('ERR')) return new ExchangeError(says as 'ERR_DNS_UNREACHABLE', says);
  if (says === 'NODATA' || says === 'NXDOMAIN')
    return (query, question) =>
      composeNegative(query, question, says === 'NODATA' ? RCODE.NOERROR : RCODE.NXDOMAIN, { ttl: 60 });
  if (says === 'SERVFAIL' || says === 'REFUSED')
    return (query, question) => composeFailure(query, question, RCODE[says]);
  if (says === 'cut')
    return (...asked) => (speech('11.0.0.9') as (...of: typeof asked) => Uint8Array)(...asked).slice(0, -3);
  if (says === 'other')
    return (query, question) => {
      const answer = composeAddresses(query, question, [parseAddress('11.0.0.9')!], 60);
      answer[0]! ^= 0xff;
      return answer;
    };
  const addresses = says.split(',').map((text) => parseAddress(text)!);
  return (query, question) => composeAddresses(query, question, addresses, 60);
}

export interface Scene {
  readonly kind?: Kind;
  readonly type?: string;
  readonly unknown?: SplitOptions['unknown'];
  readonly remembered?: Verdict;
  readonly upstreamIPv6?: boolean;
  readonly china?: readonly string[];
  readonly trusted?: readonly string[];
  readonly local?: readonly string[];
}

export async function play({
  kind = 'unknown',
  type = 'A',
  unknown = 'race',
  remembered,
  upstreamIPv6 = true,
  ...scripts
}: Scene) {
  const clock = createFakeClock();
  const exchangeFor = (side: Side) => scripted(side, clock, () => (scripts[side] ?? []).map(line));
  const exchanges = {
    china: exchangeFor('china'),
    trusted: exchangeFor('trusted'),
    local: exchangeFor('local'),
  };
  const verdicts = new Map<string, Verdict>(remembered ? [['name.example', remembered]] : []);
  const split = createSplit({
    exchanges,
    unknown,
    verdicts: {
      lookup: (name) => verdicts.get(name),
      record: (name, verdict) => void verdicts.set(name, verdict),
    },
    upstreamIPv6,
    clock,
    isChinese,
    isSpecial,
  });
  const query = queryFor('name.example', typeNumber(type)!, { id: 0x1234 })!;
  const { question } = readQuery(query);
  const answer = await clock.until(split(query, question!, kind));
  return {
    query,
    answer,
    seen: {
      says: wordsOf(answer.message),
      side: answer.side,
      ms: clock.now(),
      asked: answer.asked.map(({ side }) => side).join(),
      verdict: verdicts.get('name.example'),
    },
    left: {
      timers: clock.waiting,
      questions: Object.values(exchanges).reduce((sum, { pending }) => sum + pending, 0),
    },
  };
}

export function wordsOf(message: Uint8Array): string {
  const rcode = rcodeOf(message);
  if (rcode !== RCODE.NOERROR) return rcodeName(rcode);
  return addressesOf(message).map(formatAddress).join() || 'NODATA';
}
