import { describe, expect, it } from "vitest";
import {
  ColumnCache,
  decodeColumn,
  encodeColumn,
  pack,
  unpackF32,
  unpackU16,
  unpackU32,
} from "../../src/explorer/columns";

describe("column files", () => {
  it("bring back planes, tail and data type of what was written", () => {
    const x = Float32Array.of(1.5, -2, NaN);
    const y = Float32Array.of(0, 4, 8);
    const column = decodeColumn(encodeColumn([x, y]));
    expect(column.n).toBe(3);
    expect(column.planes).toEqual([x, y]);
    expect(column.tail).toBeNull();

    const tail = { kind: "categorical", classes: ["cat", "Hündin 犬"], colors: [null, "#ff0000"] } as const;
    const codes = decodeColumn(encodeColumn([Uint16Array.of(0, 1, 0xffff)], tail));
    expect(codes.planes[0]).toEqual(Uint16Array.of(0, 1, 0xffff));
    expect(codes.tail).toEqual(tail);
  });

  it("are read as Python's struct writes them", () => {
    // struct.pack("<4sHBBII", b"LSC1", 1, 1, 1, 2, 0) + np.array([7, 65535], "<u2").tobytes()
    const bytes = Uint8Array.of(76, 83, 67, 49, 1, 0, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 7, 0, 255, 255);
    expect(decodeColumn(bytes.buffer).planes[0]).toEqual(Uint16Array.of(7, 65535));
  });

  it("say in words what is wrong with a file that is no column, of another version, or cut short", () => {
    const good = encodeColumn([Uint8Array.of(1, 2, 3)]);
    const other = new Uint8Array(good.slice(0));
    other[0] = 88;
    const newer = new Uint8Array(good.slice(0));
    newer[4] = 2;
    expect(() => decodeColumn(other.buffer)).toThrow(/starts with "XSC1"/);
    expect(() => decodeColumn(newer.buffer)).toThrow(/version 2.*restart the App/);
    expect(() => decodeColumn(good.slice(0, -1))).toThrow(/18 bytes instead of 19/);
    expect(() => decodeColumn(new ArrayBuffer(3))).toThrow(/3 bytes/);
  });
});

describe("packed arrays", () => {
  it("survive the way there and back, also when there are many", () => {
    const rows = Uint32Array.from({ length: 50_000 }, (_, i) => i * 7919);
    expect(unpackU32(pack(rows))).toEqual(rows);
    expect(unpackF32(pack(Float32Array.of(0.25, -1e20)))).toEqual(Float32Array.of(0.25, -1e20));
    expect(unpackU16(pack(Uint16Array.of(3, 65535)))).toEqual(Uint16Array.of(3, 65535));
  });

  it("read what numpy's tobytes gives in base64", () => {
    expect(unpackU32("AQAAAAACAAA=")).toEqual(Uint32Array.of(1, 512));
  });
});

describe("the column cache", () => {
  it("asks once a version, and again for a new one", async () => {
    let asked = 0;
    const bytes = encodeColumn([Uint8Array.of(1)]);
    const before = globalThis.fetch;
    globalThis.fetch = (async () => (asked++, new Response(bytes))) as typeof fetch;
    try {
      const cache = new ColumnCache((file) => `http://host/media?filepath=${encodeURIComponent(file)}`);
      await cache.read({ file: "/a b", version: "1", n: 1 });
      await cache.read({ file: "/a b", version: "1", n: 1 });
      expect(asked).toBe(1);
      await cache.read({ file: "/a b", version: "2", n: 1 });
      expect(asked).toBe(2);
      await expect(cache.read({ file: "/c", version: "1", n: 5 })).rejects.toThrow(/1 rows instead of 5/);
    } finally {
      globalThis.fetch = before;
    }
  });
});
