/** `snet init`: a first configuration file, of share links and subscriptions. */
import { writeNewFile } from '../base/new_file.ts';
import type { Override } from '../config/document.ts';
import { renderFirstFile } from '../config/first_file.ts';
import { loadText, type Loaded } from '../config/load.ts';
import { isSubscriptionUrl } from '../config/subscription_url.ts';
import { command } from './command.ts';
import { EXIT } from './exit.ts';
import { print, warn } from './output.ts';
import { asUsage, linksIn, UPSTREAM_VARIABLE } from './sources.ts';
import { UsageError } from './usage_error.ts';

export const init = command({
  meta: { name: 'init', description: 'Write a configuration file of share links and subscriptions' },
  args: {
    url: {
      type: 'positional',
      required: false,
      description: `Share links in order of preference, and https URLs of subscriptions; without any, those of ${UPSTREAM_VARIABLE}. An https URL with a port and no path is a proxy`,
    },
    subscription: {
      type: 'string',
      valueHint: 'URL',
      description: 'A subscription, whatever its URL looks like; may be repeated',
    },
    output: {
      type: 'string',
      alias: 'o',
      valueHint: 'FILE',
      description: 'Where to write it, readable for its owner alone; else to stdout',
    },
    force: { type: 'boolean', description: 'Replace a file that is there' },
  },
  repeatable: ['url', 'subscription'],
  examples: [
    'sudo snet init ss://METHOD:PASSWORD@HOST:PORT -o /etc/snet.json',
    'snet init https://example.com/subscription/0123 http://USER:PASSWORD@HOST:PORT',
  ],
  async run({ args: { output, force }, data }) {
    const lists = data as ReadonlyMap<string, readonly string[]>;
    const given = lists.get('url') ?? [];
    const subscriptions = lists.get('subscription') ?? [];
    const links = given.length + subscriptions.length > 0 ? given : linksIn(process.env);
    if (links.length + subscriptions.length === 0) {
      throw new UsageError('missing argument URL', 'a share link, or the https URL of a subscription');
    }
    const where = links === given ? 'URL' : UPSTREAM_VARIABLE;
    const entries = links.map((link) => (isSubscriptionUrl(link) ? subscriptionAt(link) : link));
    const overrides: Override[] = [{ path: ['upstream'], value: entries, where, replaces: true }];
    if (subscriptions.length > 0) {
      overrides.push({
        path: ['upstream'],
        value: subscriptions.map(subscriptionAt),
        where: '--subscription',
      });
    }
    const { config, warnings } = loadLinks(overrides);
    for (const warning of warnings) warn(warning);
    const text = renderFirstFile(config);
    if (output === undefined || output === '-') {
      await print(text);
      return EXIT.ok.code;
    }
    await writeNewFile(output, text, force ?? false);
    await print(`wrote ${output}`);
    return EXIT.ok.code;
  },
});

/** Files that they name are not looked at: those of root are not for everybody, and the file may be for another machine. */
function loadLinks(overrides: readonly Override[]): Loaded {
  try {
    return loadText({ name: 'command line', text: '{}', overrides });
  } catch (error) {
    throw asUsage(error);
  }
}

function subscriptionAt(url: string) {
  return { type: 'subscription', url };
}
