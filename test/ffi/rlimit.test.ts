import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { fileLimit, raised } from '../../ffi/rlimit.ts';
import { describeNeeding } from '../needs.ts';

const RAISE = new URL('raise_file_limit.ts', import.meta.url).pathname;

describe('the plan for the file limit', () => {
  test('on Linux is the hard limit up to what the kernel allows, else the soft one up to the hard one', () => {
    expect(raised({ soft: 1024, hard: 4096 }, 'linux', 1_048_576)).toEqual([
      { soft: 1_048_576, hard: 1_048_576 },
      { soft: 4096, hard: 4096 },
    ]);
  });

  test('on Linux does not go beyond 1,048,576, nor beyond fs.nr_open', () => {
    expect(raised({ soft: 1024, hard: 4096 }, 'linux', 1_073_741_816)[0]).toEqual({
      soft: 1_048_576,
      hard: 1_048_576,
    });
    expect(raised({ soft: 1024, hard: 4096 }, 'linux', 5000)[0]).toEqual({ soft: 5000, hard: 5000 });
  });

  test('lowers nothing', () => {
    expect(raised({ soft: 2_000_000, hard: 2_000_000 }, 'linux', 1_048_576)).toEqual([]);
    expect(raised({ soft: 1024, hard: 2_000_000 }, 'linux', 0)).toEqual([
      { soft: 2_000_000, hard: 2_000_000 },
    ]);
    expect(raised({ soft: 20_000, hard: Number.POSITIVE_INFINITY }, 'darwin', 0)).toEqual([]);
  });

  test('on macOS leaves the hard limit alone and stays within OPEN_MAX', () => {
    const hard = Number.POSITIVE_INFINITY;
    expect(raised({ soft: 256, hard }, 'darwin', 0)).toEqual([{ soft: 10_240, hard }]);
    expect(raised({ soft: 256, hard: 4096 }, 'darwin', 0)).toEqual([{ soft: 4096, hard: 4096 }]);
  });
});

/** include/uapi/linux/capability.h. Containers often lack it, though the user is root. */
const CAP_SYS_RESOURCE = 24n;

function mayRaiseHardLimits(): boolean {
  const [, mask] = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return ((BigInt(`0x${mask}`) >> CAP_SYS_RESOURCE) & 1n) === 1n;
}

/** In a child: the limits of the process that runs the tests stay as they are. */
async function raise(prefix: readonly string[] = []): Promise<unknown> {
  const child = Bun.spawn([...prefix, process.execPath, RAISE], { stdout: 'pipe', stderr: 'inherit' });
  return JSON.parse(await new Response(child.stdout).text());
}

describeNeeding(['linux', 'root', 'setpriv', 'prlimit'], 'the file limit', () => {
  test('in force is what the kernel shows', () => {
    const [, soft, hard] = /^Max open files +(\d+) +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))!;
    expect(fileLimit()).toEqual({ soft: Number(soft), hard: Number(hard) });
  });

  test('is raised as far as this process may', async () => {
    const nrOpen = Number(readFileSync('/proc/sys/fs/nr_open', 'utf8'));
    const most = mayRaiseHardLimits() ? Math.min(nrOpen, 1_048_576) : 512;
    expect(await raise()).toEqual({
      before: [256, 512],
      result: { soft: most, hard: most },
      after: [most, most],
    });
  });

  test('is raised to the hard limit without the privilege', async () => {
    expect(await raise(['setpriv', '--bounding-set', '-sys_resource'])).toEqual({
      before: [256, 512],
      result: { soft: 512, hard: 512 },
      after: [512, 512],
    });
  });
});
