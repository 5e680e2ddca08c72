/**
 * `bun test/mac/in_group.ts GID PROGRAM ARGS…`: runs a program under a group, as root. The proxy server of the test runs
 * under snet's own: what it sends must go out, though it runs on the Mac whose connections are caught.
 */
export {};

const [gid, ...argv] = process.argv.slice(2);
process.setgid!(Number(gid));
const child = Bun.spawn(argv, { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' });
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
process.exitCode = await child.exited;
