/** The origin of conversation.ts as a program: says its port, and serves until it is killed. */
import { startOrigin } from '../../shadowsocks/conversation.ts';

process.stdout.write(`port ${await startOrigin()}\n`);
