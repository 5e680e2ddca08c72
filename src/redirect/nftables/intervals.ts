/**
 * Ranges as elements of an interval set. The kernel takes a range as two elements, the first address, and the one
 * after the last with a flag that says "end"; a range up to the last address of all has no end element.
 */
import type { RangeSet } from '../../net/ranges.ts';
import { ATTRIBUTE_MAX, attribute, concat, nested, u32, type Bytes } from './attribute.ts';
import {
  NFT_SET_ELEM_INTERVAL_END,
  NFTA_DATA,
  NFTA_LIST_ELEM,
  NFTA_SET_ELEM,
  NFTNL_SET_ELEM_F_INTERVAL_OPEN,
  NFTNL_UDATA,
} from './uapi.ts';

/** Some neighbouring ranges of a set, as many as one attribute can hold. */
export interface IntervalBlock {
  /** Number of the first and the last range, counted from 1. */
  readonly from: number;
  readonly to: number;
  /** The value of an NFTA_SET_ELEM_LIST_ELEMENTS. */
  readonly elements: Bytes;
}

/**
 * Cuts a set into blocks, never between the two elements of one range: the kernel's check for overlaps takes a start
 * without an end in one message for a range without end.
 */
export function* intervalBlocks({ family, words }: RangeSet): Generator<IntervalBlock> {
  const size = family === 4 ? 1 : 4;
  const noKey = new Uint8Array(4 * size);
  // Thousands of ranges differ in nothing but their keys, which stand last in each element.
  const start = element(noKey);
  const pair = concat([start, element(noKey, u32(NFTA_SET_ELEM.FLAGS, NFT_SET_ELEM_INTERVAL_END))]);
  const perBlock = Math.floor(ATTRIBUTE_MAX / pair.length);
  const count = words.length / (2 * size);

  for (let from = 0; from < count; from += perBlock) {
    const to = Math.min(from + perBlock, count);
    const elements = new Uint8Array((to - from) * pair.length);
    const view = new DataView(elements.buffer);
    let end = 0;
    for (let range = from; range < to; range++) {
      const first = words.subarray(range * 2 * size, (range * 2 + 1) * size);
      const afterLast = successor(words.subarray((range * 2 + 1) * size, (range + 1) * 2 * size));
      elements.set(pair, end);
      putKey(view, end + start.length, first);
      if (afterLast) {
        end += pair.length;
        putKey(view, end, afterLast);
      } else {
        const open = openElement(elements.slice(end + start.length - noKey.length, end + start.length));
        elements.set(open, end);
        end += open.length;
      }
    }
    yield { from: from + 1, to, elements: elements.slice(0, end) };
  }
}

/** The start of a range without end; the mark in the user data is for nft, which the kernel's answer leaves guessing. */
function openElement(key: Uint8Array): Bytes {
  const mark = new Uint8Array(6);
  mark.set([NFTNL_UDATA.SET_ELEM_FLAGS, 4]);
  new DataView(mark.buffer).setUint32(2, NFTNL_SET_ELEM_F_INTERVAL_OPEN, true);
  return nested(NFTA_LIST_ELEM, keyOf(key), attribute(NFTA_SET_ELEM.USERDATA, mark));
}

function element(key: Uint8Array, ...before: readonly Bytes[]): Bytes {
  return nested(NFTA_LIST_ELEM, ...before, keyOf(key));
}

function keyOf(key: Uint8Array): Bytes {
  return nested(NFTA_SET_ELEM.KEY, attribute(NFTA_DATA.VALUE, key));
}

/** Writes an address, most significant word first, so that it ends at `end`. */
function putKey(view: DataView, end: number, key: Uint32Array): void {
  for (let i = 0; i < key.length; i++) view.setUint32(end - 4 * (key.length - i), key[i]!);
}

/** The address after this one; undefined after the last. */
function successor(address: Uint32Array): Uint32Array | undefined {
  const next = address.slice();
  for (let i = next.length - 1; i >= 0; i--) {
    next[i]!++;
    if (next[i] !== 0) return next;
  }
  return undefined;
}
