/** The form of what the file has under an upstream's `plugin`. */
import * as v from 'valibot';
import type { PluginConfig } from './config.ts';
import { parsedBy } from './leaf.ts';
import { SECRET, secret } from './leaf_schemas.ts';
import { parsePlugin, parseProgram, PROGRAM_FORM } from './plugin.ts';

const TEXT = v.pipe(
  v.string(),
  v.metadata({ title: 'a text such as "v2ray-plugin;tls", as in a share link', ...SECRET }),
  parsedBy(parsePlugin),
);

const OBJECT = v.pipe(
  v.strictObject({
    program: v.pipe(
      v.string(),
      v.metadata({ title: PROGRAM_FORM, description: 'The program. It runs with the rights of snet.' }),
      parsedBy(parseProgram),
    ),
    options: v.optional(secret('Its SS_PLUGIN_OPTIONS, as they are.')),
  }),
  v.transform(({ program, options }): PluginConfig => ({ program, options: options || undefined })),
);

export const PLUGIN = v.union([TEXT, OBJECT]);
