/** Where the runs of a rule lie in a plot over time. */
import type { RuleRun } from "./contract";

const MARGIN = 5;

/** One place for each run: left to right by time, bottom to top by value. */
export function placesOf(
  runs: readonly RuleRun[],
  value: (run: RuleRun) => number,
  width: number,
  height: number,
): readonly (readonly [x: number, y: number])[] {
  const times = runs.map((run) => Date.parse(run.at));
  const values = runs.map(value);
  return runs.map((_, i) => [
    along(times[i] as number, Math.min(...times), Math.max(...times), MARGIN, width - MARGIN),
    along(values[i] as number, Math.min(...values), Math.max(...values), height - MARGIN, MARGIN),
  ]);
}

/** A value between two others, as a place between two places; the middle, where the others are the same. */
function along(value: number, low: number, high: number, from: number, to: number): number {
  const part = high > low ? (value - low) / (high - low) : 0.5;
  return Math.round((from + part * (to - from)) * 10) / 10;
}
