/** Takes a plugin's options out of what it says: any of them may be a secret, and which are only the plugin knows. */

/** Options that everybody on the way sees, or that name a file: they tell what is wrong, and are left. */
const OPEN = new Set(['cert', 'host', 'loglevel', 'mode', 'mux', 'obfs', 'obfs-host']);

/** Characters. What is shorter is no secret, and would tear holes into every other word. */
const SHORTEST = 4;

/**
 * @param options of SIP003: `name=value` or `name`, with `;` between and `\` before what belongs to a name or a value
 * @returns what gives a text without the options' values, in whatever form a program usually prints them
 */
export function redactorOf(options: string | undefined): (text: string) => string {
  const forms = new Set<string>();
  for (const [item] of (options ?? '').matchAll(/(?:[^;\\]|\\.?)+/gs)) {
    const [, name = '', value = name] = /^((?:[^=\\]|\\.?)*)(?:=(.*))?$/s.exec(item) ?? [];
    if (OPEN.has(name)) continue;
    const plain = value.replace(/\\(.)/gs, '$1');
    const printed = [value, plain, encodeURIComponent(plain), JSON.stringify(plain).slice(1, -1)];
    for (const form of printed) if (form.length >= SHORTEST) forms.add(form);
  }
  // A long one may hold a short one.
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((rest, form) => rest.replaceAll(form, '[redacted]'), text);
}
