/** Which addresses mean something near this machine, or nothing at all. */
import { unmapped, type Address } from '../../net/address.ts';
import { contains } from '../../net/ranges.ts';
import { withoutNat64 } from '../../route/nat64.ts';
import { specialRanges } from '../../route/special.ts';

/** Whether an address is in the nets of route/special.ts, by itself or as the IPv4 address that it stands for. */
export function createPrivateCheck(): (address: Address) => boolean {
  const { v4, v6 } = specialRanges();
  const isSpecial = (address: Address) => contains(address.family === 4 ? v4 : v6, address);
  return (written) => {
    const address = unmapped(written);
    return isSpecial(address) || isSpecial(withoutNat64(address));
  };
}
