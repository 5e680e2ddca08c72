import { expect, test } from 'bun:test';
import { lackingOf } from '../../src/app/root.ts';
import { Netns } from '../lab/netns.ts';
import { describeNeeding } from '../needs.ts';

test.each([
  ['all capabilities', 'Name:\tsnet\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n', []],
  ['only CAP_NET_ADMIN', 'CapEff:\t0000000000001000\n', ['SYS_ADMIN']],
  ['all but CAP_NET_ADMIN', 'CapEff:\t000001ffffffefff\n', ['NET_ADMIN']],
  ['all but CAP_SYS_ADMIN', 'CapEff:\t000001ffffdfffff\n', ['SYS_ADMIN']],
  ['none', 'CapEff:\t0000000000000000\n', ['SYS_ADMIN', 'NET_ADMIN']],
  ['no /proc', '', []],
] as const)('%s', (_, status, expected) => {
  expect(lackingOf(status, ['SYS_ADMIN', 'NET_ADMIN'])).toEqual([...expected]);
});

// In a namespace of its own: a command that is let through by mistake must not change the machine's network.
describeNeeding(['root', 'ip', 'setpriv'], 'without the privilege', () => {
  const without = (...names: string[]) => {
    const list = names.map((name) => `-${name}`).join();
    return ['setpriv', `--bounding-set=${list}`, `--inh-caps=${list}`];
  };
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

  test.each([
    {
      by: without('net_admin'),
      args: ['demo'],
      message: 'root without CAP_NET_ADMIN may not make network namespaces',
      hint: 'In a container: start it with --cap-add=NET_ADMIN.',
    },
    {
      by: without('sys_admin', 'net_admin'),
      args: ['demo'],
      message: 'root without CAP_SYS_ADMIN and CAP_NET_ADMIN may not make network namespaces',
      hint: 'In a container: start it with --privileged.',
    },
    {
      by: without('net_admin'),
      args: ['clean'],
      message: 'root without CAP_NET_ADMIN may not remove rules from the kernel',
      hint: 'In a container: start it with --cap-add=NET_ADMIN.',
    },
    {
      by: nobody,
      args: ['demo'],
      message: 'only root may make network namespaces',
      hint: 'Run the same command with sudo.',
    },
  ])('$by.1 $args.0', async ({ by, args, message, hint }) => {
    await using ns = await Netns.create('root');
    const { code, stderr } = await ns.run([...by, ...Netns.snet(args)]);
    expect({ code, stderr }).toEqual({ code: 4, stderr: `snet: ${message}\n  hint: ${hint}\n` });
  });
});
