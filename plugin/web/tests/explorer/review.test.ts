import { describe, expect, it } from "vitest";
import { pack } from "../../src/explorer/columns";
import type { ReviewAnswer } from "../../src/explorer/contract";
import { reviewCommandFor } from "../../src/explorer/keymap";
import {
  currentRow,
  decided,
  lastDecided,
  moved,
  proposalAt,
  reviewOf,
  rowsKept,
  rowsMarked,
  undecided,
  type Review,
  type Verdict,
} from "../../src/explorer/review/review";

const answer: ReviewAnswer = {
  id: "mislabels",
  kind: "mislabels",
  title: "Labels that may be wrong",
  note: "",
  total: 4,
  rows: pack(Uint32Array.from([7, 3, 5, 1])),
  ids: ["g", "c", "e", "a"],
  scores: pack(Float32Array.from([0.9, 0.8, 0.7, 0.6])),
  proposals: pack(Uint16Array.from([1, 0xffff, 1, 0])),
  labels: ["cat", "dog"],
  groups: null,
  adds_field: false,
};
const ACCEPTED: Verdict = { mark: "accepted", label: "dog", wrote: true, decision: "d1" };
const REJECTED: Verdict = { mark: "rejected", label: null, wrote: false, decision: null };
const start = (classes: readonly string[] = []): Review => reviewOf(answer, classes);

describe("a review", () => {
  it("keeps the order of the list and knows what is proposed for each row", () => {
    expect(Array.from(start().rows)).toEqual([7, 3, 5, 1]);
    expect([0, 1, 2, 3].map((at) => proposalAt(start(), at))).toEqual(["dog", null, "dog", "cat"]);
  });

  it("moves within the list and never past an end", () => {
    expect(currentRow(moved(start(), 2))).toBe(5);
    expect(currentRow(moved(start(), -3))).toBe(7);
    expect(currentRow(moved(start(), Infinity))).toBe(1);
  });

  it("goes on to the next row without a verdict", () => {
    const second = decided(moved(start(), 1), REJECTED);
    expect(currentRow(decided({ ...second, at: 0 }, ACCEPTED))).toBe(5);
  });

  it("stays at the last row when everything is decided", () => {
    let review = start();
    for (let i = 0; i < 4; i++) review = decided(review, ACCEPTED);
    expect([review.at, review.verdicts.size]).toEqual([3, 4]);
  });

  it("takes decisions back one by one, down to what was decided of a row before", () => {
    const once = decided(start(), REJECTED);
    const twice = decided({ ...once, at: 0 }, ACCEPTED);
    expect(lastDecided(twice)).toEqual([7, ACCEPTED]);
    const back = undecided(twice, 7);
    expect([back.at, back.verdicts.get(7)]).toEqual([0, REJECTED]);
    expect(lastDecided(undecided(back, 7))).toBeNull();
  });

  it("hands what was not rejected to the next steps", () => {
    const review = decided(decided(start(), REJECTED), ACCEPTED);
    expect(rowsMarked(review, "accepted")).toEqual([3]);
    expect(rowsKept(review)).toEqual([3, 5, 1]);
  });

  it("gives the digits to what is proposed most, in a steady order", () => {
    expect(start(["owl", "cat"]).classes).toEqual(["cat", "dog", "owl"]);
    const many = Array.from({ length: 200 }, (_, i) => `class ${i}`);
    expect(start(many).classes).toHaveLength(9);
    expect(start(many).classes).toContain("dog");
  });
});

describe("the keys of a review", () => {
  const press = { ctrlKey: false, metaKey: false, altKey: false, typing: false, onControl: false };

  it("move, decide, and set classes", () => {
    expect(reviewCommandFor({ ...press, key: "j" })).toEqual({ name: "move", by: 1 });
    expect(reviewCommandFor({ ...press, key: "ArrowUp" })).toEqual({ name: "line", by: -1 });
    expect(reviewCommandFor({ ...press, key: "7" })).toEqual({ name: "digit", digit: 7 });
    expect(reviewCommandFor({ ...press, key: "A" })).toEqual({ name: "accept" });
  });

  it("leave what is typed, and what the browser and the App mean, alone", () => {
    expect(reviewCommandFor({ ...press, key: "a", typing: true })).toBeNull();
    expect(reviewCommandFor({ ...press, key: "a", ctrlKey: true })).toBeNull();
    expect(reviewCommandFor({ ...press, key: "ArrowDown", onControl: true })).toBeNull();
    expect(reviewCommandFor({ ...press, key: "q" })).toBeNull();
  });
});
