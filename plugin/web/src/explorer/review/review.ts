/** A list to work through: the current position, and the decision on each row. Pure. */
import { unpackF32, unpackU16, unpackU32 } from "../columns";
import { MISSING_CODE, type ReviewAnswer, type ReviewKind } from "../contract";

/**
 * What was decided of a row. `wrote`: a pending change stands for it, which undo takes back with it.
 * `decision`: the name it is sent under; null = nothing is sent.
 */
export interface Verdict {
  readonly mark: "accepted" | "rejected" | "labeled";
  readonly label: string | null;
  readonly wrote: boolean;
  readonly decision: string | null;
}

export interface Review {
  readonly id: string;
  readonly kind: ReviewKind;
  readonly title: string;
  readonly note: string;
  readonly total: number;
  readonly rows: Uint32Array;
  readonly ids: readonly string[];
  readonly scores: Float32Array | null;
  readonly proposals: Uint16Array | null;
  readonly labels: readonly string[];
  readonly groups: Uint32Array | null;
  /** Position in `rows`. */
  readonly at: number;
  /** Every decision, in order; if a row has several, the last one counts. */
  readonly history: readonly (readonly [row: number, verdict: Verdict])[];
  readonly verdicts: ReadonlyMap<number, Verdict>;
  /** Classes of the keys 1 to 9. */
  readonly classes: readonly string[];
}

const DIGITS = 9;

/** The answer as a review that begins at its first row; `classes`: those of the label field, most used first. */
export function reviewOf(answer: ReviewAnswer, classes: readonly string[]): Review {
  const { id, kind, title, note, total, labels, ids } = answer;
  const proposals = answer.proposals === null ? null : unpackU16(answer.proposals);
  return {
    id,
    kind,
    title,
    note,
    total,
    labels,
    ids,
    rows: unpackU32(answer.rows),
    scores: answer.scores === null ? null : unpackF32(answer.scores),
    proposals,
    groups: answer.groups === null ? null : unpackU32(answer.groups),
    at: 0,
    history: [],
    verdicts: new Map(),
    classes: digitClasses(proposals, labels, classes),
  };
}

/** The classes proposed most often come first: one of them is usually the right one. */
function digitClasses(
  proposals: Uint16Array | null,
  labels: readonly string[],
  classes: readonly string[],
): readonly string[] {
  const counts = new Map<string, number>();
  for (const code of proposals ?? []) {
    const name = labels[code];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const proposed = [...counts].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const chosen = [...new Set([...proposed, ...classes])].slice(0, DIGITS);
  // In a stable order: as far as possible, a digit means the same class in the next list.
  return chosen.sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
}

export const currentRow = (review: Review): number | null => review.rows[review.at] ?? null;

export function proposalAt(review: Review, at: number): string | null {
  const code = review.proposals?.[at];
  return code === undefined || code === MISSING_CODE ? null : (review.labels[code] ?? null);
}

/** The review some rows further on, never past an end. */
export const moved = (review: Review, by: number): Review => ({
  ...review,
  at: Math.max(0, Math.min(review.rows.length - 1, review.at + by)),
});

/** The review with a verdict on the current row, at the next one that has none. */
export function decided(review: Review, verdict: Verdict): Review {
  const row = currentRow(review);
  if (row === null) return review;
  const verdicts = new Map(review.verdicts).set(row, verdict);
  const history = [...review.history, [row, verdict] as const];
  return { ...review, history, verdicts, at: nextOpen(review.rows, review.at, verdicts) };
}

function nextOpen(rows: Uint32Array, at: number, verdicts: ReadonlyMap<number, Verdict>): number {
  for (let next = at + 1; next < rows.length; next++) if (!verdicts.has(rows[next] as number)) return next;
  return Math.min(at + 1, rows.length - 1);
}

/** The review without the last decision on a row, at that row; what was decided of it before counts again. */
export function undecided(review: Review, row: number): Review {
  const last = review.history.map(([decidedRow]) => decidedRow).lastIndexOf(row);
  const history = review.history.filter((_, i) => i !== last);
  const at = review.rows.indexOf(row);
  return { ...review, history, verdicts: new Map(history), at: at < 0 ? review.at : at };
}

/** The review without decisions, by the names they were sent under; one stays where one is. */
export function withoutDecisions(review: Review, decisions: ReadonlySet<string>): Review {
  const history = review.history.filter(([, { decision }]) => decision === null || !decisions.has(decision));
  return { ...review, history, verdicts: new Map(history) };
}

/** The last row that was decided, and how; null if none was. */
export const lastDecided = (review: Review): readonly [number, Verdict] | null =>
  review.history[review.history.length - 1] ?? null;

/** Rows with this verdict, in the order of the list. */
export const rowsMarked = (review: Review, mark: Verdict["mark"]): number[] =>
  Array.from(review.rows).filter((row) => review.verdicts.get(row)?.mark === mark);

/** Rows that were not rejected, in the order of the list: what the next steps are for. */
export const rowsKept = (review: Review): number[] =>
  Array.from(review.rows).filter((row) => review.verdicts.get(row)?.mark !== "rejected");
