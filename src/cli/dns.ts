/** `snet dns`: what a name is answered with, and why. */
import { typeNumber } from '../net/record_type.ts';
import type { AskedReport, NameReport } from '../app/name_report.ts';
import { command } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson, warn } from './output.ts';
import { loadFrom, overridesOf, UPSTREAM_VARIABLE } from './sources.ts';
import { shownArgument } from './strict.ts';
import { UsageError } from './usage_error.ts';

export const dns = command({
  meta: {
    name: 'dns',
    description: 'Ask the running resolver for a name, and tell why the answer is what it is',
  },
  args: {
    name: { type: 'positional', required: true, description: 'The name to look up' },
    type: {
      type: 'positional',
      required: false,
      description: 'Type of records, such as AAAA; A if left out',
    },
    anew: { type: 'boolean', description: 'Ask the resolvers, whatever the cache has' },
    config: {
      type: 'string',
      alias: 'c',
      valueHint: 'FILE',
      description: `Where no snet runs: resolve by this file, or by ${UPSTREAM_VARIABLE} without one`,
    },
    json: { type: 'boolean', description: 'Print the explanation as JSON' },
  },
  examples: ['sudo snet dns www.example.com', 'snet dns www.example.com AAAA -c snet.json --json'],
  async run({ args: { name, type: typeText = 'A', anew, config: file, json } }) {
    const type = typeNumber(typeText);
    if (type === undefined) {
      throw new UsageError(`no type of records is ${shownArgument(typeText)}`, 'A, AAAA, MX … or TYPE123');
    }
    const report = (await askRunning(name, typeText, anew)) ?? (await resolveOnce(name, type, file));
    if (json) await printJson(report);
    else await print(rendered(report));
    return report.rcode === 'NOERROR' || report.rcode === 'NXDOMAIN' ? EXIT.ok.code : EXIT.failure.code;
  },
});

async function askRunning(name: string, type: string, anew: boolean | undefined) {
  const { askControl } = await import('../app/ask_control.ts');
  const query = new URLSearchParams({ name, type, ...(anew && { anew: '1' }) });
  // The socket is root's own, and so is whoever listens there.
  return (await askControl(`/dns?${query.toString()}`)) as NameReport | undefined;
}

async function resolveOnce(name: string, type: number, file: string | undefined): Promise<NameReport> {
  const overrides = overridesOf({}, process.env);
  if (file === undefined && overrides.length === 0) {
    throw new UsageError('no snet runs here', `start it, or say by which file to resolve: -c FILE`);
  }
  const { config, warnings } = await loadFrom({ file, overrides });
  for (const warning of warnings) warn(warning);
  const [{ explainOnce }, { hasDns }] = await Promise.all([
    import('../app/explain_once.ts'),
    import('../app/dns_service.ts'),
  ]);
  if (!hasDns(config)) throw new UsageError('the configuration leaves DNS alone', '"dns": false is in it');
  const report = await explainOnce(config, name, type);
  if (!report) throw new UsageError(`${shownArgument(name)} can be no name`);
  return report;
}

/** For a person. */
export function rendered(report: NameReport): string {
  const { name, type, kind, why, reason, side, rcode, records, cached, remembered, verdict, asked, ms } =
    report;
  const from = side === undefined ? '' : ` from ${side}`;
  const lines = [
    `${name} ${type}: ${rcode}${from} (${reason}), ${ms} ms`,
    ...records.map((record) => `  ${record.name} ${record.ttl} ${record.type} ${record.data}`),
    `kind     ${kind === undefined ? '' : `${kind}: `}${why}`,
  ];
  if (kind !== undefined) {
    lines.push(`cache    ${cached === undefined ? 'not there' : `good for ${cached} s more`}`);
  }
  if (remembered !== undefined || verdict !== undefined) {
    lines.push(`verdict  ${remembered ?? 'none'} before, ${verdict ?? 'none'} now`);
  }
  for (const one of asked) lines.push(`${one.side.padEnd(8)} ${renderedAsked(one)}`);
  return lines.join('\n');
}

function renderedAsked({ ms, judgement, rcode, records, error }: AskedReport): string {
  const data = records.map((record) => record.data).join(', ');
  const said = rcode === undefined ? '' : `: ${rcode}${data === '' ? '' : ` ${data}`}`;
  const why = error === undefined ? '' : `: ${error}`;
  return `${judgement}${ms === undefined ? '' : ` after ${ms} ms`}${said}${why}`;
}
