/** A host made up of generated data, that answers as the panel's Python does. */
import type { GridColors } from "../src/explorer/coloring";
import { encodeColumn, pack, unpackU32 } from "../src/explorer/columns";
import {
  LABEL_STATE,
  MISSING_CODE,
  type Answer,
  type Ask,
  type ColumnRef,
  type GridStage,
  type MethodName,
  type Methods,
  type PanelState,
} from "../src/explorer/contract";
import type { Host } from "../src/explorer/session";
import { FakeData } from "./fakeData";
import { MODELS } from "./fakeModels";

interface Options {
  readonly n: number;
  readonly classes: number;
  readonly dims: 2 | 3;
  readonly scene: string;
}

const MAPS = { 2: "umap_2d", 3: "umap_3d" } as const;

type Handlers = { [M in MethodName]?: (ask: Methods[M][0]) => Methods[M][1] };

export class FakeHost implements Host {
  readonly #options: Options;
  readonly #data: FakeData;
  readonly #urls = new Map<string, string>();
  readonly stages: (GridStage | null)[] = [];
  gridColors: GridColors | null = null;
  unticked = 0;
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
    this.#data = new FakeData(options.n, options.classes, options.scene !== "unlabeled");
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

  readonly colorGrid = (colors: GridColors | null): void => void (this.gridColors = colors);

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
          ? [
              {
                key: "clip",
                model: "clip-vit-base32",
                dim: 512,
                count: n,
                text_search: true,
                tunable: false,
                timestamp: null,
              },
            ]
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
                encodeColumn(this.#data.planes.slice(0, this.#dims)),
              ),
              label_state: this.#ref("state", `s${this.#data.version}`, () => encodeColumn([this.#data.states])),
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
      classes: this.#data.classes,
      pending: {
        labels: this.#data.rowsWith(LABEL_STATE.pendingLabel).length,
        cleared: 0,
        deletions: this.#data.rowsWith(LABEL_STATE.pendingDelete).length,
      },
      undoable: this.#data.acts.map((act, i) => ({ key: String(i), words: act.says })).reverse(),
      jobs: this.#job
        ? [
            {
              id: "j",
              title: this.#job.title,
              progress: Math.min(1, this.#job.at++ / 8),
              status: this.#job.at > 9 ? "done" : "running",
              message: "made up",
              why: "Method: a random number.",
              cancellable: true,
            },
          ]
        : [],
      lists: [],
      functions: { functions: [], deleted: [], last_search: null, last_threshold: null },
      messages: [],
      palette: null,
      options: {
        models: MODELS,
        methods: ["umap", "tsne", "pca"],
        patches_fields: [{ field: "detections", noun: "object" }],
        vector_fields: [],
        backends: ["lancedb"],
      },
    };
  }

  #ref(name: string, version: string, bytes: () => ArrayBuffer): ColumnRef {
    const key = `${name} ${version}`;
    if (!this.#urls.has(key)) this.#urls.set(key, URL.createObjectURL(new Blob([bytes()])));
    return { url: this.#urls.get(key) as string, version, n: this.#options.n };
  }

  readonly #handlers: Handlers = {
    sync: () => ({ unchanged: false }),
    load_map: ({ map }) => {
      this.#dims = map === MAPS[3] ? 3 : 2;
      return {};
    },
    column: ({ field }) => {
      if (field === "outlier_score") {
        const values = Float32Array.from(this.#data.truth, (_, i) => (i % 17 === 0 ? NaN : ((i * 7919) % 1000) / 1000));
        return { column: this.#ref(field, "1", () => encodeColumn([values], { kind: "numeric", min: 0, max: 0.999 })) };
      }
      const codes = field === "truth.label" ? this.#data.truth : this.#data.labels;
      return {
        column: this.#ref(field, `v${this.#data.version}`, () =>
          encodeColumn([codes], { kind: "categorical", classes: this.#data.classes }),
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
          Array.from(this.#data.rows(selection))
            .slice(0, 50)
            .flatMap((r) => [r, ...this.#data.nearest(r, selection.k).map((p) => p.row)]),
        ),
      ),
    }),
    likely_classes: () => ({
      classes: [
        { label: this.#data.classes[0] ?? "", note: "40%", why: "40% of the nearest labeled items have this label" },
      ],
    }),
    facts: ({ rows }) => ({ facts: rows.map((row) => this.#data.facts(row)) }),
    preview: ({ row, k }) => ({
      preview: {
        ...this.#data.facts(row),
        sample_id: this.#data.facts(row).id,
        confidence: null,
        origin: this.#data.states[row] === 1 ? "human" : null,
        fields: [["outlier_score", "0.31"]],
        neighbors: this.#data.nearest(row, k).map((p) => ({ ...this.#data.facts(p.row), distance: p.distance })),
      },
    }),
    open_sample: () => ({}),
    search: ({ text, limit }) => {
      const rows: number[] = [];
      for (let i = 0; i < this.#options.n; i++)
        if (`image_${i}.png`.includes(text) || this.#data.classes[this.#data.labels[i] as number] === text)
          rows.push(i);
      return { rows: pack(Uint32Array.from(rows.slice(0, limit))), total: rows.length, how: "file name and label" };
    },
    next_best: () => {
      const row = this.#data.states.indexOf(0);
      return { row: row < 0 ? null : row, reason: row < 0 ? "Every sample has a label." : "" };
    },
    set_label: ({ label, ...selection }) => {
      const rows = this.#data.rows(selection);
      const code = this.#data.code(label);
      const patch = this.#data.change(
        `label ${rows.length} ${label}`,
        rows,
        (r) => ([this.#data.labels[r], this.#data.states[r]] = [code, LABEL_STATE.pendingLabel]),
      );
      return { patch, count: rows.length, kept: "" };
    },
    label_neighbors: ({ rows }) => {
      const near = this.#data
        .nearest(rows[0] ?? 0, 400)
        .filter((p) => this.#data.states[p.row] === 0 || this.#data.states[p.row] === 2);
      return {
        order: pack(Uint32Array.from(near, (p) => p.row)),
        confidence: pack(Float32Array.from(near, (_, i) => 0.99 - (0.6 * i) / near.length)),
        reach: Math.round(near.length / 3),
        why: near.length ? "as far as 95 % sure" : "All neighbors have a label.",
      };
    },
    accept_neighbors: ({ rows, label }) => {
      const list = unpackU32(rows);
      const code = this.#data.code(label);
      return {
        patch: this.#data.change(
          `label ${list.length} neighbors ${label}`,
          list,
          (r) => ([this.#data.labels[r], this.#data.states[r]] = [code, LABEL_STATE.pendingLabel]),
        ),
        count: list.length,
      };
    },
    accept: ({ which, ...selection }) => {
      const rows = this.#data.rows(selection);
      const state = which === "confident" ? LABEL_STATE.suggested : LABEL_STATE.uncertain;
      const some = rows.filter((r) => this.#data.states[r] === state);
      const uncertain = rows.filter((r) => this.#data.states[r] === LABEL_STATE.uncertain).length;
      const patch = this.#data.change(
        "accept",
        some,
        (r) =>
          ([this.#data.labels[r], this.#data.states[r]] = [this.#data.truth[r] as number, LABEL_STATE.pendingLabel]),
      );
      return { patch, count: some.length, uncertain, skipped: rows.length - some.length, kept: "" };
    },
    reject: (selection) => {
      const rows = this.#data.rows(selection);
      const some = rows.filter((r) => this.#data.states[r] === LABEL_STATE.suggested);
      return {
        patch: this.#data.change("reject", some, (r) => (this.#data.states[r] = 0)),
        count: some.length,
        skipped: rows.length - some.length,
        kept: "",
      };
    },
    delete: (selection) => {
      const rows = this.#data.rows(selection);
      return {
        patch: this.#data.change(
          `delete ${rows.length}`,
          rows,
          (r) => (this.#data.states[r] = LABEL_STATE.pendingDelete),
        ),
        count: rows.length,
        kept: "",
      };
    },
    undo: () => this.#data.undo(),
    save: () => {
      const labels = this.#data.rowsWith(LABEL_STATE.pendingLabel);
      const deletions = this.#data.rowsWith(LABEL_STATE.pendingDelete).length;
      return {
        labels: labels.length,
        cleared: 0,
        deletions,
        patch: this.#data.change("save", labels, (r) => (this.#data.states[r] = LABEL_STATE.human)),
      };
    },
    discard: () => {
      const rows = [
        ...this.#data.rowsWith(LABEL_STATE.pendingLabel),
        ...this.#data.rowsWith(LABEL_STATE.pendingDelete),
      ];
      return {
        patch: this.#data.change(
          "discard",
          rows,
          (r) => ([this.#data.labels[r], this.#data.states[r]] = [MISSING_CODE, 0]),
        ),
        count: rows.length,
        undoable: true,
      };
    },
    review: ({ offset, limit }) => {
      const labels = this.#data.rowsWith(LABEL_STATE.pendingLabel);
      const rows = [...labels, ...this.#data.rowsWith(LABEL_STATE.pendingDelete)];
      return {
        total: rows.length,
        items: rows.slice(offset, offset + limit).map((row) => ({
          ...this.#data.facts(row),
          action: this.#data.states[row] === LABEL_STATE.pendingDelete ? ("delete" as const) : ("label" as const),
          before: null,
          after: this.#data.facts(row).label,
          origin: "human",
        })),
      };
    },
    unqueue: ({ rows }) => ({
      patch: this.#data.change(
        "take out",
        rows,
        (r) => ([this.#data.labels[r], this.#data.states[r]] = [MISSING_CODE, 0]),
      ),
      count: rows.length,
    }),
    compute_map: () => this.#start("Computing map"),
    plan_embeddings: () => ({
      plan: { count: this.#options.n, noun: "sample", seconds: 90, network: null, trouble: null },
    }),
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
      patch: this.#data.change(
        "clear labels",
        this.#data.rowsWith(LABEL_STATE.human),
        (r) => ([this.#data.labels[r], this.#data.states[r]] = [MISSING_CODE, LABEL_STATE.pendingLabel]),
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
