/** Requests to rtnetlink, which needs no privilege and changes nothing, and what its answers begin with. */

/** linux/netlink.h */
export const NETLINK_ROUTE = 0;
/** linux/rtnetlink.h; struct ifinfomsg is 16 bytes: u8 family, u8 pad, u16 type, i32 index, u32 flags, u32 change */
export const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;

/** Asks for the interface of an index; 1 is `lo`. */
export function getLink(index: number, sequence: number): Uint8Array {
  const message = new Uint8Array(32);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, RTM_GETLINK, true);
  view.setUint16(6, 1, true);
  view.setUint32(8, sequence, true);
  view.setInt32(20, index, true);
  return message;
}

export function header(answer: Uint8Array): {
  type: number;
  sequence: number;
  length: number;
  view: DataView;
} {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  return {
    type: view.getUint16(4, true),
    sequence: view.getUint32(8, true),
    length: view.getUint32(0, true),
    view,
  };
}
