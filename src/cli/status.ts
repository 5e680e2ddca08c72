/** `snet status`: how the running snet does. */
import type { Status } from '../app/control.ts';
import { escaped } from '../base/log.ts';
import { command } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson } from './output.ts';

export const status = command({
  meta: { name: 'status', description: 'Show how the running snet does: its upstreams, flows and resolvers' },
  args: {
    json: { type: 'boolean', description: 'Print it as JSON' },
  },
  examples: ['sudo snet status', 'sudo snet status --json'],
  async run({ args: { json } }) {
    const { askControl, AskError } = await import('../app/ask_control.ts');
    // The socket is root's own, and so is whoever listens there.
    const found = (await askControl('/status')) as Status | undefined;
    if (found === undefined) {
      throw new AskError('ERR_CONTROL_NONE', 'no snet runs here', {
        hint: 'Start it with: sudo snet run URL',
      });
    }
    if (json) await printJson(found);
    else await print(rendered(found));
    return EXIT.ok.code;
  },
});

/** For a person. */
export function rendered(found: Status): string {
  const { version, pid, uptime, mechanism, scope, upstream, upstreams, flows, dns } = found;
  const ended = Object.entries(flows.ended)
    .filter(([word]) => word.startsWith('ERR_'))
    .map(([word, times]) => `${word} ${times}`);
  return [
    `snet ${version}, process ${pid}, up ${lasting(uptime)}`,
    `redirect  ${mechanism}, ${scope}`,
    `flows     ${flows.open} open of ${flows.accepted}, ${mebibytes(flows.bytesUp)} up, ${mebibytes(flows.bytesDown)} down in those that ended`,
    ...(ended.length > 0 ? [`failed    ${ended.join(', ')}`] : []),
    dns
      ? `dns       port ${dns.port}, ${dns.answers} answers and ${dns.verdicts} verdicts kept`
      : 'dns       left alone',
    ...(upstreams.length > 1 ? [`upstreams ${upstream}`] : []),
    ...upstreams.map(renderedUpstream),
  ].join('\n');
}

function renderedUpstream(one: Status['upstreams'][number]): string {
  // A subscription may have named it.
  const label = escaped(one.label);
  if (one.isUp === undefined) return `upstream  ${label}`;
  const facts = [
    `${one.isUp ? 'up' : 'DOWN'} for ${lasting(one.since ?? 0)}`,
    ...(one.latency === undefined ? [] : [`${one.latency} ms`]),
    ...(one.failureRate ? [`${Math.round(one.failureRate * 100)} % of attempts failed lately`] : []),
    ...(one.lastFailure === undefined ? [] : [`last failure ${one.lastFailure}${at(one.lastHop)}`]),
  ];
  return `  ${label}: ${facts.join(', ')}`;
}

/** @param hop of a chain */
function at(hop: string | undefined): string {
  return hop === undefined ? '' : ` at ${escaped(hop)}`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** Seconds in the two largest units that there are. */
function lasting(seconds: number): string {
  let rest = seconds;
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    if (rest >= size) parts.push(`${Math.floor(rest / size)} ${unit}`);
    rest %= size;
  }
  return [...parts, `${rest} s`].slice(0, 2).join(' ');
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
