/** What can go wrong with an update. Of a part of it (a list, the ranges): the rest goes on. */
import { SnetError } from '../../base/errors.ts';

export type UpdateStatus =
  /** The state directory can't be made or written to. */
  | 'ERR_UPDATE_DIRECTORY'
  | 'ERR_UPDATE_PERMISSION'
  /** Not fetched from where nobody vouches for it: no https, or it leads away from https. */
  | 'ERR_UPDATE_URL'
  /** No connection, or none whose certificate holds. */
  | 'ERR_UPDATE_UNREACHABLE'
  | 'ERR_UPDATE_TIMEOUT'
  /** The server says no. */
  | 'ERR_UPDATE_HTTP'
  | 'ERR_UPDATE_TOO_LARGE'
  /** What came is no list: an error page, an empty file. */
  | 'ERR_UPDATE_NO_LIST'
  /** It differs so much from what is there that it is more likely a mistake. */
  | 'ERR_UPDATE_IMPLAUSIBLE';

export class UpdateError extends SnetError<UpdateStatus> {}
