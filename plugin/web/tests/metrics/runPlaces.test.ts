import { describe, expect, it } from "vitest";
import type { RuleRun } from "../../src/metrics/contract";
import { placesOf } from "../../src/metrics/runPlaces";

const run = (at: string, members: number): RuleRun => ({
  at,
  field: "predictions",
  members,
  precision: 0.5,
  recall: 0.5,
  f1: 0.5,
});
const runs = [run("2026-11-01T00:00:00Z", 20), run("2026-11-02T00:00:00Z", 10), run("2026-11-05T00:00:00Z", 0)];

describe("the runs of a rule", () => {
  it("lie at their times, higher where more was found", () => {
    expect(placesOf(runs, (one) => one.members, 110, 50)).toEqual([
      [5, 5],
      [30, 25],
      [105, 45],
    ]);
  });

  it("lie on one line where nothing changed", () => {
    expect(placesOf(runs, (one) => one.f1, 110, 50).map(([, y]) => y)).toEqual([25, 25, 25]);
  });
});
