/** `snet demo`: the main job, shown on a small Internet of its own. */
import { command } from './command.ts';

export const demo = command({
  meta: {
    name: 'demo',
    description: 'Show it at work in network namespaces; the machine itself is not touched',
  },
  args: { json: { type: 'boolean', description: 'Print the table as JSON' } },
  examples: ['sudo snet demo'],
  async run({ args: { json } }) {
    const { requireRoot } = await import('../app/root.ts');
    requireRoot('make network namespaces', ['SYS_ADMIN', 'NET_ADMIN']);
    const { runDemo } = await import('../demo/demo.ts');
    return runDemo({ json: json ?? false });
  },
});
