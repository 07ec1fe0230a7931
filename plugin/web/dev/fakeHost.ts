/** A host made up of generated data, that answers as the panel's Python does. */
import { encodeColumn, pack, unpackU32 } from "../src/explorer/columns";
import {
  LABEL_STATE,
  MISSING_CODE,
  type Answer,
  type Ask,
  type ColumnRef,
  type Facts,
  type GridStage,
  type MethodName,
  type ModelChoice,
  type Methods,
  type PanelState,
  type Selection,
  type StatePatch,
} from "../src/explorer/contract";
import type { Host } from "../src/explorer/session";
import { fromBits, rowsOf, setFromRows } from "../src/explorer/selection";

interface Options {
  readonly n: number;
  readonly classes: number;
  readonly dims: 2 | 3;
  readonly scene: string;
}

const NAMES = ["cat", "dog", "horse", "deer", "frog", "bird", "ship", "truck", "airplane", "automobile"];
const MAPS = { 2: "umap_2d", 3: "umap_3d" } as const;

const WAYS: ModelChoice[] = [
  {
    way: "preprocessing",
    title: "Preprocessing",
    why: "No network.",
    argument: "",
    names: [],
    speed: 400,
    options: [],
  },
  {
    way: "torchvision",
    title: "Pretrained",
    why: "A backbone.",
    argument: "architecture",
    names: ["resnet18", "resnet50"],
    speed: 60,
    options: [],
  },
  { way: "trained", title: "Trained", why: "On your labels.", argument: "", names: [], speed: null, options: [] },
  {
    way: "precomputed",
    title: "Precomputed",
    why: "Vectors you have.",
    argument: "",
    names: [],
    speed: null,
    options: [],
  },
];

type Handlers = { [M in MethodName]?: (ask: Methods[M][0]) => Methods[M][1] };

export class FakeHost implements Host {
  readonly #options: Options;
  readonly #planes: Float32Array[];
  readonly #truth: Uint16Array;
  readonly #labels: Uint16Array;
  readonly #states: Uint8Array;
  readonly #classes: string[];
  readonly #urls = new Map<string, string>();
  readonly #undo: { says: string; rows: Uint32Array; labels: Uint16Array; states: Uint8Array }[] = [];
  readonly stages: (GridStage | null)[] = [];
  unticked = 0;
  #version = 1;
  #revision = 1;
  #dims: 2 | 3;
  #fields: { maps: boolean; embeddings: boolean };
  #job: { at: number; title: string } | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#dims = options.dims;
    this.#fields = {
      embeddings: options.scene !== "no-embeddings",
      maps: !["no-map", "no-embeddings"].includes(options.scene),
    };
    this.#classes = Array.from({ length: options.classes }, (_, i) => NAMES[i] ?? `class ${i}`);
    const { planes, truth } = cloud(options.n, options.classes);
    this.#planes = planes;
    this.#truth = truth;
    this.#labels = new Uint16Array(options.n).fill(MISSING_CODE);
    this.#states = new Uint8Array(options.n);
    if (options.scene !== "unlabeled")
      for (let i = 0; i < options.n; i++) {
        const dice = (i * 2654435761) >>> 24;
        if (dice < 100) [this.#labels[i], this.#states[i]] = [truth[i] as number, LABEL_STATE.human];
        else if (dice < 120) this.#states[i] = dice % 2 ? LABEL_STATE.suggested : LABEL_STATE.uncertain;
        else if (dice < 140) [this.#labels[i], this.#states[i]] = [truth[i] as number, LABEL_STATE.neighbors];
      }
  }

  mediaUrl(file: string): string {
    return file;
  }

  untick(): void {
    this.unticked += 1;
  }

  showInGrid(stage: GridStage | null): void {
    this.stages.push(stage);
  }

  async call<M extends MethodName>(method: M, ask: Ask<M>): Promise<Answer<M> & { readonly state?: PanelState }> {
    await new Promise((resolve) => setTimeout(resolve, 30));
    const handler = this.#handlers[method] as ((ask: Ask<M>) => Answer<M>) | undefined;
    if (!handler) throw new Error(`The made-up host cannot "${method}".`);
    const answer = handler(ask);
    const quiet = [
      "facts",
      "preview",
      "column",
      "select",
      "review",
      "search",
      "next_best",
      "label_neighbors",
      "grow",
      "likely_classes",
    ].includes(method);
    return quiet ? answer : { ...answer, state: this.state() };
  }

  state(): PanelState {
    const { scene, n } = this.#options;
    const loaded = scene !== "no-dataset" && this.#fields.maps && n > 0;
    const mapVersion = `m${this.#dims}`;
    return {
      revision: ++this.#revision,
      dataset: scene === "no-dataset" ? null : "made-up",
      sample_count: scene === "no-samples" ? 0 : n,
      media_type: "image",
      medium: null,
      embeddings:
        this.#fields.embeddings && scene !== "no-samples"
          ? [{ key: "clip", model: "clip-vit-base32", dim: 512, count: n, text_search: true, timestamp: null }]
          : [],
      maps:
        loaded && scene !== "no-samples"
          ? ([2, 3] as const).map((dims) => ({
              key: MAPS[dims],
              embeddings: "clip",
              method: "umap",
              dims,
              timestamp: "2026-01-01T10:00:00Z",
              stale: { missing: scene === "stale" ? 37 : 0, removed: 0 },
            }))
          : [],
      map:
        loaded && scene !== "no-samples"
          ? {
              key: MAPS[this.#dims],
              version: mapVersion,
              dims: this.#dims,
              n,
              items: "all",
              noun: "sample",
              positions: this.#ref(`positions${this.#dims}`, mapVersion, () =>
                encodeColumn(this.#planes.slice(0, this.#dims)),
              ),
              label_state: this.#ref("state", `s${this.#version}`, () => encodeColumn([this.#states])),
              in_view: null,
            }
          : null,
      fields: [
        { path: "ground_truth.label", kind: "categorical", predictions: false },
        { path: "truth.label", kind: "categorical", predictions: false },
        { path: "outlier_score", kind: "numeric", predictions: false },
      ],
      label_fields: ["ground_truth"],
      label_field: "ground_truth",
      label_field_exists: true,
      label_field_unclear: false,
      classes: this.#classes,
      pending: {
        labels: this.#rowsWith(LABEL_STATE.pendingLabel).length,
        cleared: 0,
        deletions: this.#rowsWith(LABEL_STATE.pendingDelete).length,
      },
      undoable: this.#undo.map((act, i) => ({ key: String(i), words: act.says })).reverse(),
      jobs: this.#job
        ? [
            {
              id: "j",
              title: this.#job.title,
              progress: Math.min(1, this.#job.at++ / 8),
              status: this.#job.at > 9 ? "done" : "running",
              message: "made up",
              cancellable: true,
            },
          ]
        : [],
      lists: [],
      functions: { functions: [], deleted: [], last_search: null, last_threshold: null },
      messages: [],
      palette: null,
      options: {
        models: WAYS,
        methods: ["umap", "tsne", "pca"],
        patches_fields: [{ field: "detections", noun: "object" }],
        vector_fields: [],
      },
    };
  }

  #ref(name: string, version: string, bytes: () => ArrayBuffer): ColumnRef {
    const key = `${name} ${version}`;
    if (!this.#urls.has(key)) this.#urls.set(key, URL.createObjectURL(new Blob([bytes()])));
    return { url: this.#urls.get(key) as string, version, n: this.#options.n };
  }

  #rowsWith(state: number): number[] {
    const rows: number[] = [];
    for (let i = 0; i < this.#states.length; i++) if (this.#states[i] === state) rows.push(i);
    return rows;
  }

  #rows(selection: Selection): Uint32Array {
    const { n } = this.#options;
    return rowsOf(selection.bits === null ? setFromRows(n, selection.rows ?? []) : fromBits(selection.bits, n));
  }

  #change(says: string, rows: ArrayLike<number>, change: (row: number) => void): StatePatch {
    const list = Uint32Array.from(rows);
    this.#undo.push({
      says,
      rows: list,
      labels: Uint16Array.from(list, (r) => this.#labels[r] as number),
      states: Uint8Array.from(list, (r) => this.#states[r] as number),
    });
    list.forEach(change);
    return this.#patch(list);
  }

  #patch(rows: Uint32Array): StatePatch {
    const from = `s${this.#version}`;
    this.#version++;
    return {
      from,
      to: `s${this.#version}`,
      rows: pack(rows),
      states: pack(Uint8Array.from(rows, (r) => this.#states[r] as number)),
      codes: pack(Uint16Array.from(rows, (r) => this.#labels[r] as number)),
      labels: this.#classes,
    };
  }

  #code(label: string): number {
    if (!this.#classes.includes(label)) this.#classes.push(label);
    return this.#classes.indexOf(label);
  }

  #facts(row: number): Facts {
    const label = this.#labels[row] as number;
    const state = this.#states[row] as Facts["state"];
    return {
      row,
      id: row.toString(16).padStart(24, "0"),
      crop: null,
      name: `image_${row}.png`,
      state,
      thumbnail: picture(this.#truth[row] as number, row),
      label: label === MISSING_CODE ? null : (this.#classes[label] ?? null),
      suggestion:
        state === LABEL_STATE.suggested
          ? { label: this.#classes[this.#truth[row] as number] ?? "", confidence: 0.87 }
          : null,
    };
  }

  #nearest(row: number, k: number): { row: number; distance: number }[] {
    const [x, y] = this.#planes as [Float32Array, Float32Array];
    const all = Array.from({ length: Math.min(this.#options.n, 20000) }, (_, r) => ({
      row: r,
      distance: Math.hypot((x[r] as number) - (x[row] as number), (y[r] as number) - (y[row] as number)),
    }));
    return all
      .filter((p) => p.row !== row)
      .sort((a, b) => a.distance - b.distance)
      .slice(0, k);
  }

  readonly #handlers: Handlers = {
    sync: () => ({ unchanged: false }),
    load_map: ({ map }) => {
      this.#dims = map === MAPS[3] ? 3 : 2;
      return {};
    },
    column: ({ field }) => {
      if (field === "outlier_score") {
        const values = Float32Array.from(this.#truth, (_, i) => (i % 17 === 0 ? NaN : ((i * 7919) % 1000) / 1000));
        return { column: this.#ref(field, "1", () => encodeColumn([values], { kind: "numeric", min: 0, max: 0.999 })) };
      }
      const codes = field === "truth.label" ? this.#truth : this.#labels;
      return {
        column: this.#ref(field, `v${this.#version}`, () =>
          encodeColumn([codes], { kind: "categorical", classes: this.#classes }),
        ),
      };
    },
    select: (selection) => ({
      stage: selection.count
        ? { "fiftyone.core.stages.Select": { sample_ids: [String(selection.count)], ordered: false } }
        : null,
    }),
    grow: (selection) => ({
      rows: pack(
        Uint32Array.from(
          Array.from(this.#rows(selection))
            .slice(0, 50)
            .flatMap((r) => [r, ...this.#nearest(r, selection.k).map((p) => p.row)]),
        ),
      ),
    }),
    likely_classes: () => ({
      classes: [
        { label: this.#classes[0] ?? "", note: "40%", why: "40% of the nearest labeled items have this label" },
      ],
    }),
    facts: ({ rows }) => ({ facts: rows.map((row) => this.#facts(row)) }),
    preview: ({ row, k }) => ({
      preview: {
        ...this.#facts(row),
        sample_id: this.#facts(row).id,
        confidence: null,
        origin: this.#states[row] === 1 ? "human" : null,
        fields: [["outlier_score", "0.31"]],
        neighbors: this.#nearest(row, k).map((p) => ({ ...this.#facts(p.row), distance: p.distance })),
      },
    }),
    open_sample: () => ({}),
    search: ({ text, limit }) => {
      const rows: number[] = [];
      for (let i = 0; i < this.#options.n; i++)
        if (`image_${i}.png`.includes(text) || this.#classes[this.#labels[i] as number] === text) rows.push(i);
      return { rows: pack(Uint32Array.from(rows.slice(0, limit))), total: rows.length, how: "file name and label" };
    },
    next_best: () => {
      const row = this.#states.indexOf(0);
      return { row: row < 0 ? null : row, reason: row < 0 ? "Every sample has a label." : "" };
    },
    set_label: ({ label, ...selection }) => {
      const rows = this.#rows(selection);
      const code = this.#code(label);
      const patch = this.#change(
        `label ${rows.length} ${label}`,
        rows,
        (r) => ([this.#labels[r], this.#states[r]] = [code, LABEL_STATE.pendingLabel]),
      );
      return { patch, count: rows.length };
    },
    label_neighbors: ({ rows }) => {
      const near = this.#nearest(rows[0] ?? 0, 400).filter(
        (p) => this.#states[p.row] === 0 || this.#states[p.row] === 2,
      );
      return {
        order: pack(Uint32Array.from(near, (p) => p.row)),
        confidence: pack(Float32Array.from(near, (_, i) => 0.99 - (0.6 * i) / near.length)),
        reach: Math.round(near.length / 3),
        why: near.length ? "as far as 95 % sure" : "All neighbors have a label.",
      };
    },
    accept_neighbors: ({ rows, label }) => {
      const list = unpackU32(rows);
      const code = this.#code(label);
      return {
        patch: this.#change(
          `label ${list.length} neighbors ${label}`,
          list,
          (r) => ([this.#labels[r], this.#states[r]] = [code, LABEL_STATE.pendingLabel]),
        ),
        count: list.length,
      };
    },
    accept: ({ which, ...selection }) => {
      const rows = this.#rows(selection);
      const state = which === "confident" ? LABEL_STATE.suggested : LABEL_STATE.uncertain;
      const some = rows.filter((r) => this.#states[r] === state);
      const uncertain = rows.filter((r) => this.#states[r] === LABEL_STATE.uncertain).length;
      const patch = this.#change(
        "accept",
        some,
        (r) => ([this.#labels[r], this.#states[r]] = [this.#truth[r] as number, LABEL_STATE.pendingLabel]),
      );
      return { patch, count: some.length, uncertain, skipped: rows.length - some.length };
    },
    reject: (selection) => {
      const rows = this.#rows(selection);
      const some = rows.filter((r) => this.#states[r] === LABEL_STATE.suggested);
      return {
        patch: this.#change("reject", some, (r) => (this.#states[r] = 0)),
        count: some.length,
        skipped: rows.length - some.length,
      };
    },
    delete: (selection) => {
      const rows = this.#rows(selection);
      return {
        patch: this.#change(`delete ${rows.length}`, rows, (r) => (this.#states[r] = LABEL_STATE.pendingDelete)),
        count: rows.length,
      };
    },
    undo: () => {
      const last = this.#undo.pop();
      if (!last) throw new Error("Nothing to undo.");
      last.rows.forEach(
        (r, i) => ([this.#labels[r], this.#states[r]] = [last.labels[i] as number, last.states[i] as number]),
      );
      return { patch: this.#patch(last.rows), done: `Undone: ${last.says}.` };
    },
    save: () => {
      const labels = this.#rowsWith(LABEL_STATE.pendingLabel);
      const deletions = this.#rowsWith(LABEL_STATE.pendingDelete).length;
      return {
        labels: labels.length,
        cleared: 0,
        deletions,
        patch: this.#change("save", labels, (r) => (this.#states[r] = LABEL_STATE.human)),
      };
    },
    discard: () => {
      const rows = [...this.#rowsWith(LABEL_STATE.pendingLabel), ...this.#rowsWith(LABEL_STATE.pendingDelete)];
      return {
        patch: this.#change("discard", rows, (r) => ([this.#labels[r], this.#states[r]] = [MISSING_CODE, 0])),
        count: rows.length,
        undoable: true,
      };
    },
    review: ({ offset, limit }) => {
      const labels = this.#rowsWith(LABEL_STATE.pendingLabel);
      const rows = [...labels, ...this.#rowsWith(LABEL_STATE.pendingDelete)];
      return {
        total: rows.length,
        items: rows.slice(offset, offset + limit).map((row) => ({
          ...this.#facts(row),
          action: this.#states[row] === LABEL_STATE.pendingDelete ? ("delete" as const) : ("label" as const),
          before: null,
          after: this.#facts(row).label,
          origin: "human",
        })),
      };
    },
    unqueue: ({ rows }) => ({
      patch: this.#change("take out", rows, (r) => ([this.#labels[r], this.#states[r]] = [MISSING_CODE, 0])),
      count: rows.length,
    }),
    compute_map: () => this.#start("Computing map"),
    compute_embeddings: () => this.#start("Computing embeddings"),
    update_map: () => this.#start("Updating the map"),
    refresh_app: ({ ranking }) => ({ field: ranking === null ? null : "outlier_score" }),
    rank_outliers: () => this.#start("Ranking outliers"),
    rank_mislabels: () => this.#start("Finding wrong labels"),
    find_duplicates: () => this.#start("Finding duplicates"),
    suggest_labels: () => this.#start("Suggesting labels"),
    cancel_job: () => {
      this.#job = null;
      return {};
    },
    create_segment: (selection) => ({ slug: selection.name, count: selection.count }),
    locate: ({ ids }) => ({ rows: pack(Uint32Array.from(ids, (id) => Number.parseInt(id, 16))) }),
    clearable: () => ({ items: [{ id: "maps", title: "Maps", size: "2 maps", note: "Can be computed again." }] }),
    clear_explorer: () => ({ done: "Cleared." }),
    rename_run: () => ({}),
    delete_run: () => ({ done: "Deleted." }),
    count_labels: () => ({ field: "ground_truth", all: 120, ours: 20 }),
    clear_labels: () => ({
      patch: this.#change(
        "clear labels",
        this.#rowsWith(LABEL_STATE.human),
        (r) => ([this.#labels[r], this.#states[r]] = [MISSING_CODE, LABEL_STATE.pendingLabel]),
      ),
      done: "Cleared.",
    }),
    set_label_field: () => ({}),
  };

  #start(title: string): { job: string } {
    this.#job = { at: 0, title };
    return { job: "j" };
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
