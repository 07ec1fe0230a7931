/** The reach slider: few rows finely, many rows coarsely. */

/** Positions of the slider. */
export const REACH_STEPS = 1000;

/** How many of `total` rows the slider's position stands for. */
export function reachAt(position: number, total: number): number {
  const share = Math.min(1, Math.max(0, position / REACH_STEPS));
  return Math.round(total * share * share);
}

/** The slider's position for so many rows. */
export function positionOf(count: number, total: number): number {
  return total === 0 ? 0 : Math.round(REACH_STEPS * Math.sqrt(Math.min(count, total) / total));
}

/** One more or fewer, or about a tenth of what it is. */
export const stepOf = (count: number): number => Math.max(1, Math.round(count / 10));
