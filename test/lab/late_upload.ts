/** A program that has something to say only after the other side has ended: what half-close is for. */
import { expect } from 'bun:test';
import { eventually } from './eventually.ts';
import type { Folder } from './folder.ts';
import { ABROAD, transferSeen, type Internet } from './internet.ts';
import { start } from './program.ts';
import { PORTS } from './services.ts';

/** Has the origin end its direction, then sends `bytes` random bytes. @throws unless the origin gets them, and an end */
export async function uploadLate(internet: Internet, folder: Folder, bytes: number): Promise<void> {
  const { client } = internet;
  const [go, late] = [folder.file(`go-${bytes}`), folder.file(`late-${bytes}`)];
  const made = await client.must([
    'sh',
    '-c',
    `mkfifo ${go}; head -c ${bytes} /dev/urandom | tee ${late} | sha256sum`,
  ]);
  const upload = `{ read line <${go}; cat ${late}; } | nc -N ${ABROAD.v4} ${PORTS.farewell}`;
  await using nc = start(client, ['sh', '-c', upload]);
  await nc.says(/^going$/m);
  await eventually('nc to be told of the end', async () =>
    (await client.must(['ss', '-Htn', 'state', 'close-wait'])).includes(`${ABROAD.v4}:${PORTS.farewell}`),
  );
  await client.must(['sh', '-c', `echo >${go}`]);
  expect(await nc.ended()).toBe(0);
  expect(await transferSeen(internet, PORTS.farewell, bytes)).toMatchObject({ sha256: made.slice(0, 64) });
}
