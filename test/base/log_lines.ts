/** Logs one event of each level at the level of argv, with text that a reporter might spoil. */
import { createLog, type LogLevel } from '../../src/base/log.ts';

const log = createLog(process.argv[2] as LogLevel);
log.error('the `first`', { status: 'ERR_X' });
log.warn('the _second_', { text: 'two words', none: undefined });
log.info('the third', { count: 3, flag: true });
log.debug('the fourth');
const { debugging } = log;
log.setLevel('error');
log.warn('never seen');
process.stderr.write(`debugging ${debugging} ${log.debugging}\n`);
