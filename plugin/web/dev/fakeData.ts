/** Generated samples with labels and suggestions, and the actions on them: what a made-up host serves. */
import { pack } from "../src/explorer/columns";
import { LABEL_STATE, MISSING_CODE, type Facts, type Selection, type StatePatch } from "../src/explorer/contract";
import { fromBits, rowsOf, setFromRows } from "../src/explorer/selection";

const NAMES = ["cat", "dog", "horse", "deer", "frog", "bird", "ship", "truck", "airplane", "automobile"];

export class FakeData {
  readonly planes: Float32Array[];
  readonly truth: Uint16Array;
  readonly labels: Uint16Array;
  readonly states: Uint8Array;
  readonly classes: string[];
  readonly acts: { says: string; rows: Uint32Array; labels: Uint16Array; states: Uint8Array }[] = [];
  version = 1;

  constructor(
    readonly n: number,
    classes: number,
    labeled: boolean,
  ) {
    this.classes = Array.from({ length: classes }, (_, i) => NAMES[i] ?? `class ${i}`);
    const { planes, truth } = cloud(n, classes);
    this.planes = planes;
    this.truth = truth;
    this.labels = new Uint16Array(n).fill(MISSING_CODE);
    this.states = new Uint8Array(n);
    if (labeled)
      for (let i = 0; i < n; i++) {
        const dice = (i * 2654435761) >>> 24;
        if (dice < 100) [this.labels[i], this.states[i]] = [truth[i] as number, LABEL_STATE.human];
        else if (dice < 120) this.states[i] = dice % 2 ? LABEL_STATE.suggested : LABEL_STATE.uncertain;
        else if (dice < 140) [this.labels[i], this.states[i]] = [truth[i] as number, LABEL_STATE.neighbors];
      }
  }

  rowsWith(state: number): number[] {
    const rows: number[] = [];
    for (let i = 0; i < this.states.length; i++) if (this.states[i] === state) rows.push(i);
    return rows;
  }

  rows(selection: Selection): Uint32Array {
    const { n } = this;
    return rowsOf(selection.bits === null ? setFromRows(n, selection.rows ?? []) : fromBits(selection.bits, n));
  }

  change(says: string, rows: ArrayLike<number>, change: (row: number) => void): StatePatch {
    const list = Uint32Array.from(rows);
    this.acts.push({
      says,
      rows: list,
      labels: Uint16Array.from(list, (r) => this.labels[r] as number),
      states: Uint8Array.from(list, (r) => this.states[r] as number),
    });
    list.forEach(change);
    return this.patch(list);
  }

  patch(rows: Uint32Array): StatePatch {
    const from = `s${this.version}`;
    this.version++;
    return {
      from,
      to: `s${this.version}`,
      rows: pack(rows),
      states: pack(Uint8Array.from(rows, (r) => this.states[r] as number)),
      codes: pack(Uint16Array.from(rows, (r) => this.labels[r] as number)),
      labels: this.classes,
    };
  }

  code(label: string): number {
    if (!this.classes.includes(label)) this.classes.push(label);
    return this.classes.indexOf(label);
  }

  facts(row: number): Facts {
    const label = this.labels[row] as number;
    const state = this.states[row] as Facts["state"];
    return {
      row,
      id: row.toString(16).padStart(24, "0"),
      crop: null,
      name: `image_${row}.png`,
      state,
      thumbnail: picture(this.truth[row] as number, row),
      moving: false,
      label: label === MISSING_CODE ? null : (this.classes[label] ?? null),
      suggestion:
        state === LABEL_STATE.suggested
          ? { label: this.classes[this.truth[row] as number] ?? "", confidence: 0.87 }
          : null,
    };
  }

  nearest(row: number, k: number): { row: number; distance: number }[] {
    const [x, y] = this.planes as [Float32Array, Float32Array];
    const all = Array.from({ length: Math.min(this.n, 20000) }, (_, r) => ({
      row: r,
      distance: Math.hypot((x[r] as number) - (x[row] as number), (y[r] as number) - (y[row] as number)),
    }));
    return all
      .filter((p) => p.row !== row)
      .sort((a, b) => a.distance - b.distance)
      .slice(0, k);
  }

  undo(): { patch: StatePatch; done: string } {
    const last = this.acts.pop();
    if (!last) throw new Error("Nothing to undo.");
    last.rows.forEach(
      (r, i) => ([this.labels[r], this.states[r]] = [last.labels[i] as number, last.states[i] as number]),
    );
    return { patch: this.patch(last.rows), done: `Undone: ${last.says}.` };
  }
}

/** Gaussian groups on a ring, seeded. */
function cloud(n: number, classes: number): { planes: Float32Array[]; truth: Uint16Array } {
  let seed = 7;
  const random = (): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 4294967296;
  const normal = (): number => random() + random() + random() + random() - 2;
  const planes = [new Float32Array(n), new Float32Array(n), new Float32Array(n)] as const;
  const truth = new Uint16Array(n);
  for (let i = 0; i < n; i++) {
    const c = Math.min(classes - 1, Math.floor(random() * classes));
    const angle = (c / classes) * 2 * Math.PI;
    truth[i] = c;
    planes[0][i] = 8 * Math.cos(angle) + normal() * 1.6;
    planes[1][i] = 8 * Math.sin(angle) + normal() * 1.6;
    planes[2][i] = (c % 3) * 4 + normal() * 1.6;
  }
  return { planes: [...planes], truth };
}

/** A small drawn picture, so that thumbnails can be told apart. */
function picture(kind: number, row: number): string {
  const hue = (kind * 36) % 360;
  const ground = `<rect width="160" height="120" fill="hsl(${hue},40%,70%)"/>`;
  const disc = `<circle cx="${40 + (row % 80)}" cy="${40 + (row % 40)}" r="26" fill="hsl(${hue},60%,40%)"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="160" height="120">${ground}${disc}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
