import { describe, expect, it } from "vitest";
import {
  combine,
  combineFor,
  fromBits,
  invert,
  rowsOf,
  rowsWithCode,
  setFromRows,
  toBits,
  toSelection,
} from "../../src/explorer/selection";
import { pack } from "../../src/explorer/columns";

const a = setFromRows(6, [0, 1, 2]);
const b = setFromRows(6, [2, 3]);
const rows = (set: { mask: Uint8Array; count: number }): number[] => Array.from(rowsOf(set));

describe("row sets", () => {
  it("replace, add, remove and intersect", () => {
    expect(rows(combine(a, b, "replace"))).toEqual([2, 3]);
    expect(rows(combine(a, b, "add"))).toEqual([0, 1, 2, 3]);
    expect(rows(combine(a, b, "remove"))).toEqual([0, 1]);
    expect(rows(combine(a, b, "intersect"))).toEqual([2]);
    expect(combine(a, b, "add").count).toBe(4);
  });

  it("leave the sets they are made from as they were", () => {
    combine(a, b, "add");
    expect(rows(a)).toEqual([0, 1, 2]);
  });

  it("invert and choose a class only among what is shown", () => {
    const shown = Uint8Array.of(1, 1, 1, 1, 0, 1);
    expect(rows(invert(a, shown))).toEqual([3, 5]);
    expect(rows(rowsWithCode(Uint16Array.of(9, 4, 4, 9, 4, 4), 4, shown))).toEqual([1, 2, 5]);
  });

  it("leave out rows that are not on the map", () => {
    expect(rows(setFromRows(3, [1, 7]))).toEqual([1]);
  });

  it("come back from bits, whatever the length", () => {
    for (const n of [0, 1, 7, 8, 9, 1000]) {
      const set = setFromRows(
        n,
        Array.from({ length: n }, (_, i) => i).filter((i) => i % 3 === 0),
      );
      expect(fromBits(pack(toBits(set.mask)), n)).toEqual(set);
    }
    // np.packbits([1,0,0,0,0,0,0,0,1], bitorder="little") == [1, 1]
    expect(toBits(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 1))).toEqual(Uint8Array.of(1, 1));
  });
});

describe("the modifier keys", () => {
  it("add with shift, remove with alt, intersect with both", () => {
    expect(combineFor({ shift: false, alt: false })).toBe("replace");
    expect(combineFor({ shift: true, alt: false })).toBe("add");
    expect(combineFor({ shift: false, alt: true })).toBe("remove");
    expect(combineFor({ shift: true, alt: true })).toBe("intersect");
  });
});

describe("a selection as a message", () => {
  const map = { key: "umap", version: "3" };

  it("names few rows one by one and many as bits", () => {
    const few = toSelection(b, map, { kind: "rows" }, "s1");
    const how = { kind: "rows" };
    expect(few).toEqual({ map: "umap", map_version: "3", count: 2, rows: [2, 3], bits: null, how, shown: "s1" });
    const many = toSelection(
      setFromRows(
        1_000_000,
        Array.from({ length: 400_000 }, (_, i) => i * 2),
      ),
      map,
      { kind: "rows" },
      null,
    );
    expect(many.rows).toBeNull();
    expect(many.count).toBe(400_000);
    expect(many.bits?.length).toBeLessThan(170_000);
  });
});
