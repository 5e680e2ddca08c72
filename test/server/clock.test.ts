/** A client of a 2022 method whose clock is wrong is answered nothing, on purpose: the server's log says why. */
import { describe, expect, setSystemTime, test } from 'bun:test';
import { silent, type Log } from '../../src/base/log.ts';
import { ClockError, SessionError } from '../../src/net/session.ts';
import { createServerLog } from '../../src/app/server/server_log.ts';
import type { Visitor } from '../../src/server/visitor.ts';
import { writeAll } from '../relay/harness.ts';
import { farEnd, sealed, shadowsocks, visit, type Speech, type Stage } from './stage.ts';

const TARGET = { name: 'origin.example', port: 443 };

/** What such a client sends. @param apart seconds that its clock is ahead */
function sealedAt(apart: number, speech: Speech, password?: string): Uint8Array {
  const now = Date.now();
  try {
    setSystemTime(new Date(now + apart * 1000));
    return sealed(speech, TARGET, 'hello', password);
  } finally {
    setSystemTime();
  }
}

describe('a client whose clock is wrong', () => {
  const speech = shadowsocks('2022-blake3-aes-256-gcm');

  async function say(far: Stage, bytes: Uint8Array): Promise<string> {
    const client = visit(far, speech);
    await writeAll(await client.socket, bytes);
    (await client.socket).shutdown();
    expect(await client.end).toBe('FIN');
    return client.text;
  }

  test.each([
    [-45, /differs by 4[56] s: .*status=ERR_PROTOCOL client=127\.0\.0\.1 clock="behind ours" listener=.* hint="at most 30 s/],
    [3600, /differs by 3(600|599) s: .* clock="ahead of ours"/],
  ])('by %d s is told of once, when it comes', async (apart, line) => {
    using far = farEnd(speech);
    expect(await say(far, sealedAt(apart, speech))).toBe('');
    expect(await say(far, sealedAt(apart, speech))).toBe('');
    await far.endedWith('ERR_PROTOCOL', 2);
    expect(far.warnings).toEqual([expect.stringMatching(line)]);
  }); // prettier-ignore

  test('is not told of if it does not know the key', async () => {
    using far = farEnd(speech);
    expect(await say(far, sealedAt(-3600, speech, 'another'))).toBe('');
    await far.endedWith('ERR_AEAD');
    expect(far.warnings.join('\n')).not.toContain('clock');
  });
});

test('each client is told of once a minute, and none is remembered for ever', () => {
  const said: string[] = [];
  const clock = { now: 0 };
  const log: Log = { ...silent, warn: (_, fields) => void said.push(String(fields?.['client'])) };
  const server = createServerLog(log, () => clock.now);
  const tell = (client: string, why: SessionError = new ClockError('', 40, true, {})) =>
    server.strangerRefused({ client, context: { label: 'here' } } as Visitor, why);
  tell('a', new SessionError('ERR_AEAD', ''));
  tell('a');
  tell('a');
  tell('b');
  clock.now = 59_999;
  tell('a');
  tell('b');
  clock.now = 60_000;
  tell('a');
  tell('a');
  expect(said).toEqual(['a', 'b', 'a']);
  for (let i = 0; i < 2_000; i++) tell(`${i}`);
  tell('a');
  expect(said.length).toBe(3 + 2_000 + 1);
});
