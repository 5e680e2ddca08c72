/** What can be wrong with a subscription, beside that it can't be fetched. */
import { SnetError } from '../../base/errors.ts';

export type SubscriptionStatus =
  /** What came is none, or nothing of it can be used. */
  | 'ERR_SUBSCRIPTION'
  /** The state directory can't be used. */
  | 'ERR_SUBSCRIPTION_KEEP';

export class SubscriptionError extends SnetError<SubscriptionStatus> {}
