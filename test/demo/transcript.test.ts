import { describe, expect, test } from 'bun:test';
import { transcribe } from '../../src/demo/transcript.ts';

function talking() {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(undefined, undefined, {
    highWaterMark: 1000,
  });
  const writer = writable.getWriter();
  return {
    transcript: transcribe(readable),
    say: (text: string) => writer.write(Buffer.from(text)),
    stop: () => writer.close(),
  };
}

describe('transcribe()', () => {
  test('hears a line that comes in pieces', async () => {
    const { transcript, say } = talking();
    const ready = transcript.says(/^ready$/);
    await say('starting\nrea');
    await say('dy\n');
    expect(await ready).toBe(true);
  });

  test('hears a line that was said before it was asked for', async () => {
    const { transcript, say } = talking();
    await say('ready\nbusy\n');
    expect(await transcript.says(/^busy$/)).toBe(true);
    expect(await transcript.says(/^ready$/)).toBe(true);
  });

  test('says so when the child stops without it, and has its last words', async () => {
    const { transcript, say, stop } = talking();
    const ready = transcript.says(/^ready$/);
    await say('trouble\nno newline');
    await stop();
    expect(await ready).toBe(false);
    expect(await transcript.says(/^ready$/)).toBe(false);
    expect(await transcript.whole()).toBe('trouble\nno newline');
  });

  test('keeps the last words of one that never ends', async () => {
    const { transcript, say, stop } = talking();
    for (let i = 0; i < 300; i++) await say(`line ${i}\n`);
    expect(await transcript.says(/^line 299$/)).toBe(true);
    await stop();
    const kept = (await transcript.whole()).split('\n');
    expect(kept.length).toBeLessThan(300);
    expect(kept.at(-1)).toBe('line 299');
  });
});
