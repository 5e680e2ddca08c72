import { describe, expect, test } from 'bun:test';
import { decode } from 'dns-packet';
import * as fc from 'fast-check';
import { answerEdns, withEdns, withoutEdns } from '../../../src/dns/wire/edns.ts';
import { readQuery } from '../../../src/dns/wire/query.ts';
import { anyAnswer, anyQuery, mutated, named, param, write, type TestMessage } from './messages.ts';
import { slowRead, slowReadIfWhole, type SlowMessage } from './slow_reader.ts';

const OPT = 41;

function splitOpt(message: SlowMessage) {
  const { records, ...rest } = message;
  return {
    rest: { ...rest, records: records.filter(({ type }) => type !== OPT) },
    opts: records.filter(({ type }) => type === OPT),
  };
}

describe('a query on its way up', () => {
  test('keeps id, flags and question, and has one OPT record, ours', () => {
    fc.assert(
      fc.property(
        anyQuery,
        fc.integer({ min: 512, max: 65535 }),
        fc.boolean(),
        (asked, payload, dnssecOk) => {
          const query = write(asked);
          const sent = slowRead(withEdns(query, { payload, dnssecOk }));
          expect(sent).toEqual({
            ...splitOpt(slowRead(query)).rest,
            records: [
              {
                section: 'additional',
                owner: '',
                type: OPT,
                class: payload,
                ttl: dnssecOk ? 0x8000 : 0,
                data: '',
              },
            ],
          });
        },
      ),
    );
  });

  test('loses records that no query needs', () => {
    const record = { owner: named('a'), type: 1, class: 1, ttl: 5, data: [{ bytes: [1, 2, 3, 4] }] };
    const query = write({
      ...BARE,
      flags: 0x0100,
      answer: [record],
      authority: [record],
      additional: [record],
    });
    expect(slowRead(withEdns(query, { dnssecOk: false })).records).toMatchObject([{ type: OPT }]);
  });

  test('is padded to whole blocks', () => {
    fc.assert(
      fc.property(anyQuery, fc.constantFrom(1, 16, 128, 468), (asked, padding) => {
        const sent = withEdns(write(asked), { dnssecOk: false, padding });
        expect(sent.length % padding).toBe(0);
        const option = 4;
        const unpadded = withEdns(write(asked), { dnssecOk: false }).length + option;
        expect(sent.length - unpadded).toBeWithin(0, padding);
        expect(readQuery(sent).question?.edns).toEqual({ payload: 1232, dnssecOk: false });
      }),
    );
  });

  test('is read by dns-packet', () => {
    const query = withEdns(
      write({
        id: 1,
        flags: 0x0100,
        question: { name: named('a.example'), type: 1, class: 1 },
        answer: [],
        authority: [],
        additional: [],
      }),
      { dnssecOk: true, padding: 128 },
    );
    expect(decode(Buffer.from(query))).toMatchObject({
      questions: [{ name: 'a.example' }],
      additionals: [{ type: 'OPT', udpPayloadSize: 1232, flag_do: true, options: [{ code: 12 }] }],
    });
  });
});

describe('an answer on its way down', () => {
  test('loses OPT wherever it stands, and every other record is as it was', () => {
    fc.assert(
      fc.property(anyAnswer, fc.boolean(), (answer, compress) => {
        const message = write(answer, compress);
        const before = message.slice();
        const bare = withoutEdns(message)!;
        expect(slowRead(bare)).toEqual(splitOpt(slowRead(message)).rest);
        expect(message).toEqual(before);
      }),
      { numRuns: 1000 },
    );
  });

  test('gets an OPT record of ours for a client with EDNS; its RCODE and extended errors stay, no other option', () => {
    fc.assert(
      fc.property(anyAnswer, fc.boolean(), (answer, dnssecOk) => {
        const message = write(answer);
        const before = splitOpt(slowRead(message));
        const given = splitOpt(slowRead(answerEdns(message, { payload: 512, dnssecOk })!));
        expect(given.rest).toEqual(before.rest);
        const theirs = answer.additional.find(({ type }) => type === OPT);
        const options = theirs?.data[0] && 'bytes' in theirs.data[0] ? theirs.data[0].bytes : [];
        expect(given.opts).toEqual([
          {
            section: 'additional',
            owner: '',
            type: OPT,
            class: 1232,
            ttl: (theirs ? Math.floor(theirs.ttl / 0x1000000) * 0x1000000 : 0) + (dnssecOk ? 0x8000 : 0),
            data: extendedErrors(options),
          },
        ]);
      }),
      { numRuns: 500 },
    );
  });

  test('gets none for a client without', () => {
    fc.assert(
      fc.property(anyAnswer, (answer) => {
        expect(answerEdns(write(answer), undefined)).toEqual(withoutEdns(write(answer)));
      }),
    );
  });

  test('an option that is cut short ends the options', () => {
    const opt = {
      owner: [],
      type: OPT,
      class: 1232,
      ttl: 0,
      data: [{ bytes: [...param(15, [0, 1]), 0, 15, 0, 9, 1] }],
    };
    const message = write({ ...BARE, additional: [opt] });
    expect(splitOpt(slowRead(answerEdns(message, { payload: 512, dnssecOk: false })!)).opts[0]?.data).toBe(
      '000f00020001',
    );
  });

  test('a pointer into the OPT record makes it malformed', () => {
    const opt = { owner: [], type: OPT, class: 1232, ttl: 0, data: [{ bytes: [1, 0x61, 0] }] };
    const message = write({ ...BARE, additional: [opt] });
    const inOpt = message.length - 3;
    message[11] = 2;
    const pointing = Buffer.concat([message, Uint8Array.of(0xc0, inOpt, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0)]);
    expect(slowRead(pointing).records.at(-1)?.owner).toBe('a');
    expect(withoutEdns(pointing)).toBeUndefined();
  });
});

const BARE: TestMessage = {
  id: 1,
  flags: 0x8180,
  question: { name: named('a.example'), type: 1, class: 1 },
  answer: [],
  authority: [],
  additional: [],
};

/** The options of code 15, as hex. */
function extendedErrors(options: readonly number[]): string {
  let hex = '';
  let at = 0;
  while (at < options.length) {
    const end = at + 4 + options[at + 2]! * 256 + options[at + 3]!;
    if (((options[at]! << 8) | options[at + 1]!) === 15)
      hex += Buffer.from(options.slice(at, end)).toString('hex');
    at = end;
  }
  return hex;
}

test('no message, however mutated, makes any of these throw; what comes out has the same records', () => {
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 100 })), (message) => {
      const bare = withoutEdns(message);
      const given = answerEdns(message, { payload: 512, dnssecOk: false });
      expect(bare === undefined).toBe(given === undefined);
      if ((message[2] ?? 0x80) < 0x80 && readQuery(message).question) withEdns(message, { dnssecOk: true });
      const before = slowReadIfWhole(message);
      if (!before || !bare) return;
      const opt = before.records.findIndex(({ type, section }) => type === OPT && section === 'additional');
      expect(slowRead(bare).records).toEqual(before.records.filter((_, i) => i !== opt));
    }),
    { numRuns: 2000 },
  );
});
