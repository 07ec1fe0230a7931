/** The panel's state and its calls to Python: one store, and one object that acts on it. */
import type {
  Answer,
  Ask,
  Cell,
  Choice,
  MemberIds,
  Members,
  MethodName,
  Order,
  Overview,
  Remake,
  Report,
  Result,
  ResultRows,
  Segment,
  SegmentKind,
  Thresholds,
  What,
} from "./contract";
import { download } from "../parts/download";
import { keyOf, matrixOf, type Matrix } from "./matrix";

export type Call = <M extends MethodName>(method: M, ask: Ask<M>) => Promise<Answer<M>>;

export interface MetricsState {
  readonly overview: Overview | null;
  readonly truthField: string | null;
  readonly predictionField: string | null;
  readonly scope: "dataset" | "view";
  readonly thresholds: Thresholds;
  readonly report: Report | null;
  readonly matrix: Matrix | null;
  readonly whats: readonly What[];
  readonly cells: readonly Cell[];
  readonly order: Order;
  readonly results: readonly Result[];
  readonly total: number;
  /** All results are chosen but these ("all"), or only these ("none"). */
  readonly base: "all" | "none";
  readonly except: readonly ResultRows[];
  readonly busy: string | null;
  readonly note: { readonly id: number; readonly level: "info" | "error"; readonly text: string } | null;
}

export const PAGE = 60;
export const INITIAL: MetricsState = {
  overview: null,
  truthField: null,
  predictionField: null,
  scope: "dataset",
  thresholds: { iou: 0.5, confidence: 0, top_k: 1 },
  report: null,
  matrix: null,
  whats: [],
  cells: [],
  order: "confidence",
  results: [],
  total: 0,
  base: "all",
  except: [],
  busy: null,
  note: null,
};

export const sameRows = (a: ResultRows, b: ResultRows): boolean => a[0] === b[0] && a[1] === b[1];
export const isChosen = (state: Pick<MetricsState, "base" | "except">, rows: ResultRows): boolean =>
  (state.base === "all") !== state.except.some((one) => sameRows(one, rows));
export const chosenCount = (state: MetricsState): number =>
  state.base === "all" ? state.total - state.except.length : state.except.length;

/** The fields to start with: the usual names, else the first two of a kind. */
export function firstFields(overview: Overview): readonly [string, string] | null {
  const groups = Object.values(overview.fields).filter((names) => names.length >= 2);
  const names = groups.find((group) => group.includes("ground_truth")) ?? groups[0];
  if (!names) return null;
  const truth = names.includes("ground_truth") ? "ground_truth" : (names[0] as string);
  return [truth, partnersOf(overview, truth)[0] as string];
}

/** Fields that a label field can be compared with; likely predictions first. */
export function partnersOf(overview: Overview, truth: string): string[] {
  const group = Object.values(overview.fields).find((names) => names.includes(truth)) ?? [];
  const others = group.filter((name) => name !== truth);
  return [...others.filter((name) => name.includes("predict")), ...others.filter((name) => !name.includes("predict"))];
}

export class MetricsSession {
  #state: MetricsState = INITIAL;
  readonly #listeners = new Set<() => void>();
  /** Whether a person moved the confidence; until then it is the one with the best F1. */
  #confidenceChosen = false;
  #comparing = false;
  /** Thresholds requested while an answer is pending: only the newest is requested next. */
  #again = false;
  #asked = 0;
  #notes = 0;
  /** Counts the readings; an answer to an older reading is not shown. */
  #reading = 0;

  constructor(
    private readonly call: Call,
    readonly mediaUrl: (path: string) => string,
  ) {}

  readonly get = (): MetricsState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async start(): Promise<void> {
    this.#confidenceChosen = false;
    this.#set({ ...INITIAL, thresholds: this.#state.thresholds });
    const overview = await this.#try("Reading the dataset", () => this.call("overview", {}));
    if (!overview) return;
    const fields = firstFields(overview);
    this.#set({ overview, truthField: fields?.[0] ?? null, predictionField: fields?.[1] ?? null });
    if (fields) await this.compare();
  }

  setFields(truthField: string, predictionField: string): void {
    this.#confidenceChosen = false;
    this.#set({ truthField, predictionField });
    void this.compare();
  }

  setScope(scope: "dataset" | "view"): void {
    this.#set({ scope });
    void this.compare();
  }

  setThresholds(part: Partial<Thresholds>): void {
    if (part.confidence !== undefined) this.#confidenceChosen = true;
    this.#set({ thresholds: { ...this.#state.thresholds, ...part } });
    void this.#rematch();
  }

  /** Reads both fields anew and finds all pairs. */
  async compare(): Promise<void> {
    this.#set({ whats: [], cells: [], results: [], total: 0, base: "all", except: [] });
    await this.#ask(null);
  }

  async #rematch(): Promise<void> {
    const token = this.#state.report?.evaluation;
    if (!token) return;
    if (this.#comparing) {
      this.#again = true;
      return;
    }
    this.#comparing = true;
    try {
      do {
        this.#again = false;
        await this.#ask(token);
      } while (this.#again);
    } finally {
      this.#comparing = false;
    }
    this.#set({ base: "all", except: [] });
    await this.#load(0);
  }

  async #ask(evaluation: string | null): Promise<void> {
    const { truthField, predictionField, scope, thresholds } = this.#state;
    if (truthField === null || predictionField === null) return;
    const reading = evaluation === null ? ++this.#reading : this.#reading;
    const answer = await this.#try(evaluation ? null : "Comparing labels with predictions", () =>
      this.call("compare", {
        ...thresholds,
        confidence: this.#confidenceChosen ? thresholds.confidence : null,
        evaluation,
        truth_field: truthField,
        prediction_field: predictionField,
        scope,
      }),
    );
    if (reading !== this.#reading) return;
    if (answer) {
      const { report, confidence } = answer;
      this.#set({ report, matrix: matrixOf(report) });
      // One that a person chose may have moved on while the answer was on its way.
      if (!this.#confidenceChosen) this.#set({ thresholds: { ...this.#state.thresholds, confidence } });
    } else if (!evaluation) this.#set({ report: null, matrix: null });
  }

  /** Chooses a cell; `more` keeps those chosen before, and takes it out again if it is among them. */
  chooseCell(cell: Cell, more: boolean): void {
    const { cells } = this.#state;
    const isChosen = cells.some((one) => keyOf(one) === keyOf(cell));
    const next = more ? (isChosen ? cells.filter((one) => keyOf(one) !== keyOf(cell)) : [...cells, cell]) : [cell];
    this.#choose(more ? this.#state.whats : [], next);
  }

  chooseWhat(what: What, more: boolean): void {
    const { whats, cells } = this.#state;
    const isChosen = whats.includes(what);
    const next = isChosen ? whats.filter((one) => one !== what) : more ? [...whats, what] : [what];
    this.#choose(next, more ? cells : []);
  }

  setOrder(order: Order): void {
    this.#set({ order });
    void this.#load(0);
  }

  more(): void {
    void this.#load(this.#state.results.length);
  }

  toggle(rows: ResultRows): void {
    const { except } = this.#state;
    const isExcepted = except.some((one) => sameRows(one, rows));
    this.#set({ except: isExcepted ? except.filter((one) => !sameRows(one, rows)) : [...except, rows] });
  }

  toggleAll(base: "all" | "none"): void {
    this.#set({ base, except: [] });
  }

  async showInGrid(): Promise<void> {
    const choice = this.#choice();
    const answer = choice && (await this.#try("Showing in the grid", () => this.call("show_results", choice)));
    if (answer) this.note(answer.message);
  }

  showAll(): void {
    void this.#try(null, () => this.call("show_all", {}));
  }

  openSample(sample_id: string): void {
    void this.#try(null, () => this.call("open_sample", { sample_id }));
  }

  async addToSegment(
    to: { slug: string } | { name: string; kind: SegmentKind; note: string },
    members: Members,
  ): Promise<boolean> {
    const choice = this.#choice();
    if (!choice) return false;
    return this.#segments("Adding to the segment", () => this.call("add_to_segment", { ...choice, ...to, members }));
  }

  async segmentAct<M extends "edit_segment" | "merge_segments" | "remove_from_segment" | "delete_segment">(
    method: M,
    ask: Ask<M>,
  ): Promise<boolean> {
    return this.#segments(
      "Changing segments",
      () => this.call(method, ask) as Promise<{ message: string; segments: readonly Segment[] }>,
    );
  }

  /** Applies the rule of a segment to new predictions, and compares. */
  async remakeSegment(ask: Ask<"remake_segment">): Promise<Remake | null> {
    const answer = await this.#try("Comparing labels with predictions", () => this.call("remake_segment", ask));
    const { overview } = this.#state;
    if (!answer || !overview) return null;
    this.#set({ overview: { ...overview, segments: answer.segments }, note: null });
    return answer.remake;
  }

  /** `total`: how many there are, which may be more than were sent here. */
  async showMembers(ids: MemberIds, total: number): Promise<void> {
    const answer = await this.#try("Showing in the grid", () => this.call("show_members", { ids, total }));
    if (answer) this.note(answer.message);
  }

  async openSegment(slug: string): Promise<void> {
    const answer = await this.#try("Opening the segment", () => this.call("open_segment", { slug }));
    if (answer) this.note(answer.message);
  }

  sendSegment(slug: string): void {
    void this.#try(null, () => this.call("send_to_label_studio", { slug }));
  }

  sendChosen(): void {
    const choice = this.#choice();
    if (choice) void this.#try("Opening the form", () => this.call("send_to_label_studio", choice));
  }

  async exportSegment(ask: Ask<"export_segment">): Promise<boolean> {
    const answer = await this.#try("Exporting", () => this.call("export_segment", ask));
    if (answer) this.note(answer.message);
    if (answer?.file) download(this.mediaUrl(answer.file));
    return answer !== null;
  }

  note(text: string, level: "info" | "error" = "info"): void {
    this.#set({ note: { id: ++this.#notes, level, text } });
  }

  dismiss(): void {
    this.#set({ note: null });
  }

  #choice(): Choice | null {
    const { report, thresholds, whats, cells, base, except } = this.#state;
    if (!report) return null;
    return {
      ...thresholds,
      evaluation: report.evaluation,
      whats,
      cells,
      ...(base === "all" ? { without: except } : { rows: except }),
    };
  }

  #choose(whats: readonly What[], cells: readonly Cell[]): void {
    this.#set({ whats, cells, base: "all", except: [] });
    void this.#load(0);
  }

  async #load(offset: number): Promise<void> {
    const { report, thresholds, whats, cells, order } = this.#state;
    const mine = ++this.#asked;
    if (!report || (whats.length === 0 && cells.length === 0)) {
      this.#set({ results: [], total: 0 });
      return;
    }
    const answer = await this.#try(null, () =>
      this.call("results", { ...thresholds, evaluation: report.evaluation, whats, cells, order, offset, limit: PAGE }),
    );
    if (!answer || mine !== this.#asked) return;
    this.#set({
      total: answer.total,
      results: offset === 0 ? answer.items : [...this.#state.results, ...answer.items],
    });
  }

  async #segments(
    doing: string,
    deed: () => Promise<{ message: string; segments: readonly Segment[] }>,
  ): Promise<boolean> {
    const answer = await this.#try(doing, deed);
    const { overview } = this.#state;
    if (!answer || !overview) return false;
    this.#set({ overview: { ...overview, segments: answer.segments } });
    this.note(answer.message);
    return true;
  }

  async #try<T>(doing: string | null, deed: () => Promise<T>): Promise<T | null> {
    if (doing) this.#set({ busy: doing });
    try {
      return await deed();
    } catch (error) {
      this.note(error instanceof Error ? error.message : String(error), "error");
      return null;
    } finally {
      if (doing) this.#set({ busy: null });
    }
  }

  #set(part: Partial<MetricsState>): void {
    this.#state = { ...this.#state, ...part };
    for (const listener of this.#listeners) listener();
  }
}
