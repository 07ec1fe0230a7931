/** Sets of rows as masks of one byte a row: 1 = in. */
import { pack, unpackBytes } from "./columns";
import type { Selection, SelectionHow } from "./contract";

export interface RowSet {
  readonly mask: Uint8Array;
  readonly count: number;
}

export type Combine = "replace" | "add" | "remove" | "intersect";

/** Most rows a message names one by one; above, a bitset is shorter. */
const ROWS_LIMIT = 4096;

export const emptySet = (n: number): RowSet => ({ mask: new Uint8Array(n), count: 0 });

export function setOf(mask: Uint8Array): RowSet {
  let count = 0;
  for (let i = 0; i < mask.length; i++) count += mask[i] as number;
  return { mask, count };
}

export function setFromRows(n: number, rows: ArrayLike<number>): RowSet {
  const mask = new Uint8Array(n);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    if (row < n) mask[row] = 1;
  }
  return setOf(mask);
}

export function rowsOf(set: RowSet): Uint32Array {
  const rows = new Uint32Array(set.count);
  let at = 0;
  for (let i = 0; i < set.mask.length; i++) if (set.mask[i]) rows[at++] = i;
  return rows;
}

export function combine(old: RowSet, hit: RowSet, how: Combine): RowSet {
  if (how === "replace") return hit;
  const mask = new Uint8Array(old.mask.length);
  for (let i = 0; i < mask.length; i++) {
    const a = old.mask[i] as number;
    const b = hit.mask[i] as number;
    mask[i] = how === "add" ? a | b : how === "remove" ? a & (b ^ 1) : a & b;
  }
  return setOf(mask);
}

/** All rows of `within` that are not in the set. */
export function invert(set: RowSet, within: Uint8Array): RowSet {
  const mask = new Uint8Array(set.mask.length);
  for (let i = 0; i < mask.length; i++) mask[i] = (within[i] as number) & ((set.mask[i] as number) ^ 1);
  return setOf(mask);
}

/** All rows of `within` whose code is `code`. */
export function rowsWithCode(codes: Uint16Array, code: number, within: Uint8Array): RowSet {
  const mask = new Uint8Array(codes.length);
  for (let i = 0; i < mask.length; i++) mask[i] = codes[i] === code ? (within[i] as number) : 0;
  return setOf(mask);
}

/** How the gesture's modifier keys combine a new set with the old one. */
export function combineFor(keys: { shift: boolean; alt: boolean }): Combine {
  if (keys.shift && keys.alt) return "intersect";
  if (keys.shift) return "add";
  return keys.alt ? "remove" : "replace";
}

export function toBits(mask: Uint8Array): Uint8Array {
  const bits = new Uint8Array((mask.length + 7) >> 3);
  for (let i = 0; i < mask.length; i++) if (mask[i]) bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7));
  return bits;
}

export function fromBits(base64: string, n: number): RowSet {
  const bits = unpackBytes(base64);
  const mask = new Uint8Array(n);
  for (let i = 0; i < n; i++) mask[i] = ((bits[i >> 3] as number) >> (i & 7)) & 1;
  return setOf(mask);
}

/** The set as a message to Python. */
export function toSelection(
  set: RowSet,
  map: { key: string; version: string },
  how: SelectionHow,
  shown: string | null,
): Selection {
  const short = set.count <= ROWS_LIMIT;
  return {
    map: map.key,
    map_version: map.version,
    count: set.count,
    rows: short ? Array.from(rowsOf(set)) : null,
    bits: short ? null : pack(toBits(set.mask)),
    how,
    shown,
  };
}
