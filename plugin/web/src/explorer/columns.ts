/** Column files and packed arrays: bytes to typed arrays and back. */
import { COLUMN_HEADER_BYTES, COLUMN_MAGIC, COLUMN_VERSION, DTYPE, type ColumnRef, type ValueTail } from "./contract";

export type ColumnArray = Uint8Array | Uint16Array | Uint32Array | Float32Array;

export interface Column {
  readonly n: number;
  /** `width` arrays of n entries. */
  readonly planes: readonly ColumnArray[];
  readonly tail: ValueTail | null;
}

/** Reads a column file; throws an Error with a message when the bytes do not match the header. */
export function decodeColumn(buffer: ArrayBuffer): Column {
  if (buffer.byteLength < COLUMN_HEADER_BYTES)
    throw new Error(`The column file has ${buffer.byteLength} bytes, fewer than its header. Load the map again.`);
  const header = new DataView(buffer);
  const magic = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  const version = header.getUint16(4, true);
  if (magic !== COLUMN_MAGIC || version !== COLUMN_VERSION)
    throw new Error(
      `The column file starts with "${magic}" version ${version}, not ${COLUMN_MAGIC} version ${COLUMN_VERSION}. ` +
        "The plugin's Python code and its bundle have different versions: restart the App and reload the page.",
    );
  const dtype = header.getUint8(6);
  const width = header.getUint8(7);
  const n = header.getUint32(8, true);
  const tailBytes = header.getUint32(12, true);
  const itemBytes = bytesOf(dtype);
  const expected = COLUMN_HEADER_BYTES + width * n * itemBytes + tailBytes;
  if (buffer.byteLength !== expected)
    throw new Error(`The column file has ${buffer.byteLength} bytes instead of ${expected}. Load the map again.`);
  const planes: ColumnArray[] = [];
  for (let w = 0; w < width; w++) planes.push(plane(buffer, dtype, COLUMN_HEADER_BYTES + w * n * itemBytes, n));
  const tailStart = expected - tailBytes;
  const tail = tailBytes
    ? (JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, tailStart, tailBytes))) as ValueTail)
    : null;
  return { n, planes, tail };
}

/** Writes a column file (what Python does; here for the dev page and the tests). */
export function encodeColumn(planes: readonly ColumnArray[], tail: ValueTail | null = null): ArrayBuffer {
  const first = planes[0];
  if (!first) throw new Error("A column needs at least one plane.");
  const dtype = dtypeOf(first);
  const n = first.length;
  const tailBytes = tail ? new TextEncoder().encode(JSON.stringify(tail)) : new Uint8Array(0);
  const itemBytes = bytesOf(dtype);
  const out = new ArrayBuffer(COLUMN_HEADER_BYTES + planes.length * n * itemBytes + tailBytes.length);
  const header = new DataView(out);
  for (let i = 0; i < 4; i++) header.setUint8(i, COLUMN_MAGIC.charCodeAt(i));
  header.setUint16(4, COLUMN_VERSION, true);
  header.setUint8(6, dtype);
  header.setUint8(7, planes.length);
  header.setUint32(8, n, true);
  header.setUint32(12, tailBytes.length, true);
  const bytes = new Uint8Array(out);
  planes.forEach((p, w) =>
    bytes.set(new Uint8Array(p.buffer, p.byteOffset, p.byteLength), COLUMN_HEADER_BYTES + w * n * itemBytes),
  );
  bytes.set(tailBytes, out.byteLength - tailBytes.length);
  return out;
}

function bytesOf(dtype: number): number {
  const bytes = [1, 2, 4, 4][dtype];
  if (bytes === undefined) throw new Error(`The column file has the unknown data type ${dtype}. Load the map again.`);
  return bytes;
}

function dtypeOf(array: ColumnArray): number {
  if (array instanceof Uint8Array) return DTYPE.uint8;
  if (array instanceof Uint16Array) return DTYPE.uint16;
  if (array instanceof Uint32Array) return DTYPE.uint32;
  return DTYPE.float32;
}

/** A view on the bytes if their alignment allows it, else a copy. */
function plane(buffer: ArrayBuffer, dtype: number, offset: number, n: number): ColumnArray {
  const bytes = n * bytesOf(dtype);
  if (dtype === DTYPE.uint8) return new Uint8Array(buffer, offset, bytes);
  const aligned = offset % bytesOf(dtype) === 0;
  const source = aligned ? buffer : buffer.slice(offset, offset + bytes);
  const start = aligned ? offset : 0;
  if (dtype === DTYPE.uint16) return new Uint16Array(source, start, n);
  if (dtype === DTYPE.uint32) return new Uint32Array(source, start, n);
  return new Float32Array(source, start, n);
}

export function unpackBytes(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
export const unpackU32 = (base64: string): Uint32Array => new Uint32Array(unpackBytes(base64).buffer);
export const unpackF32 = (base64: string): Float32Array => new Float32Array(unpackBytes(base64).buffer);
export const unpackU16 = (base64: string): Uint16Array => new Uint16Array(unpackBytes(base64).buffer);

export function pack(array: ColumnArray): string {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  // In slices: a spread of a million arguments overflows the stack.
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/** Fetches each version of a column once and keeps the newest one of each place. */
export class ColumnCache {
  readonly #kept = new Map<string, { version: string; column: Promise<Column> }>();
  readonly #mediaUrl: (file: string) => string;

  constructor(mediaUrl: (file: string) => string) {
    this.#mediaUrl = mediaUrl;
  }

  read(ref: ColumnRef): Promise<Column> {
    const place = ref.url ?? ref.file;
    if (place === undefined) return Promise.reject(new Error("The column names neither a file nor a URL."));
    const kept = this.#kept.get(place);
    if (kept && kept.version === ref.version) return kept.column;
    const url = ref.url ?? this.#mediaUrl(place);
    const column = fetchColumn(url, ref);
    this.#kept.set(place, { version: ref.version, column });
    column.catch(() => this.#kept.delete(place));
    return column;
  }

  clear(): void {
    this.#kept.clear();
  }
}

async function fetchColumn(url: string, ref: ColumnRef): Promise<Column> {
  const separator = url.includes("?") ? "&" : "?";
  const versioned = url.startsWith("blob:") ? url : `${url}${separator}v=${encodeURIComponent(ref.version)}`;
  const response = await fetch(versioned);
  if (!response.ok)
    throw new Error(`The server answered ${response.status} when asked for a column of the map. Load the map again.`);
  const column = decodeColumn(await response.arrayBuffer());
  if (column.n !== ref.n) throw new Error(`The column has ${column.n} rows instead of ${ref.n}. Load the map again.`);
  return column;
}
