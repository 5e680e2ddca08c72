/** The interface that a link-local address is on (RFC 4007 §11), as sockets know it. */
export { interfaceIndex } from '../../ffi/interfaces.ts';
