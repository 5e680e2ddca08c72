/** Schemas of leaves that are in more than one place of the file. */
import * as v from 'valibot';
import { DURATION, DURATION_FORM, parseDuration } from './duration.ts';
import { Fault, parsedBy } from './leaf.ts';

/** Said by everything that prints values: this one must not be shown. Becomes `writeOnly` in the JSON Schema. */
export const SECRET = { writeOnly: true } as const;

export const secret = (description: string) => v.pipe(v.string(), v.metadata({ description, ...SECRET }));

export const PATH_FORM = 'a path';

export function parsePath(text: string): string | Fault {
  return text === '' || text.includes('\0') ? new Fault(PATH_FORM) : text;
}

export const path = (description: string) =>
  v.pipe(v.string(), v.metadata({ title: PATH_FORM, description }), parsedBy(parsePath));

export const port = (description: string) =>
  v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535), v.description(description));

/** @param least in milliseconds */
export const duration = (description: string, least?: number) =>
  v.pipe(
    v.string(),
    v.metadata({ title: DURATION_FORM, description, pattern: DURATION.source }),
    parsedBy((text: string) => parseDuration(text, least)),
  );
