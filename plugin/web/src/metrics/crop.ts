/** Where to crop a picture so that a label, a prediction, or both are visible with some context. */
import type { Box, Result } from "./contract";

const MARGIN = 0.25; // of the longer side, all around
const LEAST = 0.04; // of the picture: a smaller object is shown with more around it

/** The part of the picture to show: shares of its width and height. The whole picture where there is no box. */
export function cropOf(result: Pick<Result, "truth_box" | "prediction_box">): Box {
  const boxes = [result.truth_box, result.prediction_box].filter((box): box is Box => box !== null);
  if (boxes.length === 0) return [0, 0, 1, 1];
  const left = Math.min(...boxes.map(([x]) => x));
  const top = Math.min(...boxes.map(([, y]) => y));
  const right = Math.max(...boxes.map(([x, , w]) => x + w));
  const bottom = Math.max(...boxes.map(([, y, , h]) => y + h));
  const margin = MARGIN * Math.max(right - left, bottom - top, LEAST);
  const [x0, y0] = [clamp(left - margin), clamp(top - margin)];
  return [x0, y0, Math.max(clamp(right + margin) - x0, 1e-3), Math.max(clamp(bottom + margin) - y0, 1e-3)];
}

/** The box in shares of the crop. */
export const inCrop = ([x, y, w, h]: Box, crop: Box): Box => [
  (x - crop[0]) / crop[2],
  (y - crop[1]) / crop[3],
  w / crop[2],
  h / crop[3],
];

const clamp = (share: number): number => Math.min(1, Math.max(0, share));
