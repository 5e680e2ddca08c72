/** What the kernel's refusals mean for the person in front of it. */
import { errnoOf, SystemError } from '../../../ffi/errno.ts';
import { RedirectError } from '../redirect.ts';
import type { Refusal } from './connection.ts';
import type { Holder } from './holder.ts';
import { TABLE } from './ruleset.ts';
import { NFT_MSG } from './uapi.ts';

const LACKING: readonly number[] = (['ENOENT', 'EPROTONOSUPPORT', 'EOPNOTSUPP', 'EAFNOSUPPORT'] as const).map(
  (code) => errnoOf(code, 'linux'),
);
const EPERM = errnoOf('EPERM', 'linux');
const EINVAL = errnoOf('EINVAL', 'linux');

/** Is the kernel, rather than our message, at fault: it doesn't know something that rules are made of? */
export function isLacking({ errno, request }: Refusal): boolean {
  // Flags that a kernel doesn't know are EINVAL: of tables, OWNER; of all together, the whole of nf_tables.
  const { type } = request ?? { type: NFT_MSG.NEWTABLE };
  return LACKING.includes(errno) || (errno === EINVAL && type === NFT_MSG.NEWTABLE);
}

/** The kernel refused to make the rules. */
export function creationRefused(refusal: Refusal): RedirectError {
  if (refusal.errno === EPERM && refusal.request === undefined) return notPermitted();
  if (isLacking(refusal)) return new RedirectError('ERR_REDIRECT_UNSUPPORTED', lackText(refusal));
  return changeRefused(refusal);
}

/** The kernel refused to change rules that are there. */
export function changeRefused({ request, reason }: Refusal): RedirectError {
  return new RedirectError(
    'ERR_REDIRECT_KERNEL',
    `nftables: the kernel refused ${request?.object ?? 'the changes as a whole'}: ${reason}`,
  );
}

/** Our table belongs to a netlink socket that is not ours. */
export function held(portId: number, holder: Holder | undefined): RedirectError {
  const by = holder
    ? `process ${holder.pid} (${holder.command})`
    : `netlink port ${portId}, no process of this pid namespace`;
  return new RedirectError('ERR_REDIRECT_HELD', `the nftables table inet ${TABLE} is held by ${by}`, {
    hint: holder
      ? `end that process first: kill ${holder.pid}`
      : 'is snet running in a container that shares this network?',
  });
}

/** The conversation itself failed. An error that is not the system's stays what it is. */
export function conversationFailed(error: unknown): unknown {
  if (!(error instanceof SystemError)) return error;
  if (error.errno === EPERM) return notPermitted(error);
  if (LACKING.includes(error.errno))
    return new RedirectError('ERR_REDIRECT_UNSUPPORTED', 'this kernel has no netfilter netlink', {
      cause: error,
    });
  return new RedirectError('ERR_REDIRECT_KERNEL', 'nftables: the conversation with the kernel failed', {
    cause: error,
  });
}

function notPermitted(cause?: SystemError): RedirectError {
  return new RedirectError('ERR_REDIRECT_PERMISSION', 'no permission to change the nftables rules', {
    hint: 'run it as root (sudo), or with the capability CAP_NET_ADMIN',
    cause,
  });
}

function lackText({ request, reason }: Refusal): string {
  if (!request) return `this kernel has no nf_tables: ${reason}`;
  const owner = request.type === NFT_MSG.NEWTABLE ? ' of a table with an owner, which needs Linux 5.12' : '';
  return `this kernel lacks what nftables needs${owner}: it refused ${request.object}: ${reason}`;
}
