/** Long jobs started here: embeddings, maps, rankings, suggestions; and what follows when they finish. */
import type { Appearance } from "./appearance";
import {
  BY_LABELS,
  type Ask,
  type EmbeddingsForm,
  type MapForm,
  type PanelState,
  type Plan,
  type SegmentKind,
} from "./contract";
import { FunctionRuns } from "./functions/functionRuns";
import { isOpen } from "./jobs";
import type { MapLoader } from "./mapLoader";
import type { Reviewing } from "./review/reviewing";
import type { Selecting } from "./selecting";
import type { Session } from "./session";
import { nounOf } from "./state";
import { counted } from "../parts/words";

type RunMethod =
  | "compute_embeddings"
  | "compute_map"
  | "update_map"
  | "rank_outliers"
  | "rank_mislabels"
  | "find_duplicates"
  | "suggest_labels"
  | "create_function"
  | "run_functions"
  | "edit_function"
  | "duplicate_function";

export class Runs {
  readonly functions: FunctionRuns;
  /** What follows a run that was started here, by its id. */
  readonly #whenDone = new Map<string, () => void>();

  constructor(
    private readonly session: Session,
    private readonly maps: MapLoader,
    private readonly look: Appearance,
    private readonly selecting: Selecting,
    private readonly reviewing: Reviewing,
  ) {
    this.functions = new FunctionRuns(session, (method, ask) =>
      this.#start(method, ask, () => void this.#refreshApp(null)),
    );
  }

  get #ui() {
    return this.session.ui;
  }

  async computeMap(form: MapForm): Promise<void> {
    this.#closeDialog();
    await this.#start("compute_map", form, this.#openNewMap());
  }

  /** What a choice of model means, before anything is embedded; rejects if that cannot be told. */
  async planEmbeddings(ask: Ask<"plan_embeddings">): Promise<Plan> {
    return (await this.session.send("plan_embeddings", ask)).plan;
  }

  /** Embeds, and computes a map from the new embeddings if the form says so. */
  async computeEmbeddings(form: EmbeddingsForm): Promise<void> {
    this.#closeDialog();
    await this.#start("compute_embeddings", form, this.#openNewMap());
  }

  #openNewMap(): () => void {
    const before = new Set(this.#ui.panel?.maps.map((m) => m.key));
    return () => {
      const made = this.#ui.panel?.maps.find((m) => !before.has(m.key));
      if (made) void this.maps.load(made.key);
    };
  }

  async updateMap(map: string): Promise<void> {
    await this.#start("update_map", { map });
  }

  async rankOutliers(): Promise<void> {
    const ask = { selection: this.selecting.current() };
    await this.#start("rank_outliers", ask, () => void this.#showRanking("outliers"));
  }

  async rankMislabels(): Promise<void> {
    const ask = { selection: this.selecting.current() };
    await this.#start("rank_mislabels", ask, () => void this.#showRanking("mislabels"));
  }

  async findDuplicates(threshold: number | null): Promise<void> {
    this.#closeDialog();
    await this.#start("find_duplicates", { selection: this.selecting.current(), threshold }, () => {
      void this.#refreshApp(null);
      void this.look.refreshValues();
      void this.reviewing.open("duplicates");
    });
  }

  async suggestLabels(): Promise<void> {
    await this.#start("suggest_labels", { selection: this.selecting.current(), precision: 0.95 }, () => {
      void this.#refreshApp(null);
      void this.look.colorBy(BY_LABELS);
    });
  }

  async cancel(job: string): Promise<void> {
    await this.session.ask("Stopping", "cancel_job", { job });
  }

  async takeStep(job: string, step: number): Promise<void> {
    await this.session.ask("Opening the form", "take_step", { job, step });
  }

  async createSegment(name: string, kind: SegmentKind, note: string): Promise<void> {
    this.#closeDialog();
    const selection = this.selecting.needed("create a segment from");
    if (!selection) return;
    const ask = { ...selection, name, segment_kind: kind, note };
    const answer = await this.session.ask("Creating the segment", "create_segment", ask);
    if (answer)
      this.session.note("success", `Created the segment “${name}” with ${counted(answer.count, nounOf(this.#ui))}.`);
  }

  async sendToLabelStudio(): Promise<void> {
    if (this.selecting.needed("send")) await this.session.ask("Opening the form", "send_to_label_studio", {});
  }

  /** Opens the App's form for the next batch of a collection campaign. */
  async nextBatch(segment: string): Promise<void> {
    await this.session.ask("Opening the form", "next_batch", { segment });
  }

  async renameRun(key: string, name: string): Promise<void> {
    this.#closeDialog();
    const answer = await this.session.ask("Renaming", "rename_run", { key, name });
    if (answer) this.session.note("success", `“${key}” is now called “${name}”.`);
  }

  async deleteRun(key: string): Promise<void> {
    this.#closeDialog();
    const answer = await this.session.ask("Deleting", "delete_run", { key });
    if (answer) this.session.note("success", answer.done);
  }

  /** Does what should follow when a run started here has finished, and reports how it ended. */
  finish(panel: PanelState): void {
    for (const job of panel.jobs) {
      const follow = this.#whenDone.get(job.id);
      if (!follow || isOpen(job)) continue;
      this.#whenDone.delete(job.id);
      if (job.status === "done") {
        this.session.note("success", job.message === "" ? `${job.title}: done.` : job.message, job.why);
        follow();
      } else if (job.status === "cancelled") this.session.note("info", `${job.title}: stopped.`);
    }
  }

  forget(): void {
    this.#whenDone.clear();
  }

  /** Starts a run; `then` follows if it succeeds. */
  async #start<M extends RunMethod>(method: M, ask: Ask<M>, then: () => void = () => {}): Promise<void> {
    const answer = await this.session.ask("Starting", method, ask, (job) => this.#whenDone.set(job.job, then));
    if (answer && !answer.state) void this.maps.sync();
  }

  /** The ranking opens as a list to review, and colors the map behind it. */
  async #showRanking(ranking: "outliers" | "mislabels"): Promise<void> {
    const field = await this.#refreshApp(ranking);
    await this.reviewing.open(ranking);
    if (field !== null && this.look.knownField(field)) await this.look.colorBy(field);
  }

  async #refreshApp(ranking: "outliers" | "mislabels" | null): Promise<string | null> {
    const answer = await this.session.ask("Updating the App", "refresh_app", { ranking });
    return answer?.field ?? null;
  }

  #closeDialog(): void {
    this.session.store.dispatch({ type: "dialog", dialog: "none" });
  }
}
