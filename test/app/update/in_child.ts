/** Runs an update, in a process of its own: which authorities are trusted is settled when a process starts. */
import { runUpdate, type UpdateOptions } from '../../../src/app/update.ts';
import { download, type Limits } from '../../../src/app/update/download.ts';

export type Task =
  | { readonly update: UpdateOptions }
  | { readonly download: string; readonly limits: Limits };

const task = (await Bun.stdin.json()) as Task;
try {
  const result =
    'update' in task ? await runUpdate(task.update) : await download(task.download, { limits: task.limits });
  process.stdout.write(JSON.stringify(result));
} catch (error) {
  process.stdout.write(JSON.stringify({ thrown: (error as { status?: string }).status ?? String(error) }));
}
