/** What all parts of the explorer share: the state, the App around it, calls to Python, and messages to the user. */
import type { GridColors } from "./coloring";
import type { Answer, Ask, GridStage, Message, MethodName, PanelState, StatePatch } from "./contract";
import { Store, type MapData, type Ui } from "./state";
import { capitalized, sentence } from "../parts/words";

/** What the panel needs from the App around it. */
export interface Host {
  call<M extends MethodName>(method: M, ask: Ask<M>): Promise<Answer<M> & { readonly state?: PanelState }>;
  mediaUrl(file: string): string;
  /** Applies a view stage to the samples grid; null removes it. */
  showInGrid(stage: GridStage | null): void;
  /** Gives labels in the grid these colors; null = those that it had before. */
  colorGrid(colors: GridColors | null): void;
  /** Takes the ticks off the samples grid. */
  untick(): void;
}

export class Session {
  readonly store = new Store();
  /** What follows a new state from Python; the explorer sets it. */
  onState: (panel: PanelState) => void = () => {};
  /** What follows a change of labels; the explorer sets it. */
  onPatch: (patch: StatePatch) => void = () => {};
  /** Does something after earlier decisions and before later ones; the explorer sets it. */
  inOrder: <T>(work: () => Promise<T>) => Promise<T | null> = (work) => work();
  #noteCount = 0;
  /** Versions of the labels before and after an action of this screen, which saw what it changed. */
  readonly #acted = new Map<string, string>();

  constructor(readonly host: Host) {}

  get ui(): Ui {
    return this.store.get();
  }

  note(level: Message["level"], text: string, why = ""): void {
    const id = `here-${++this.#noteCount}`;
    this.store.dispatch({ type: "note", note: { id, level, text: capitalized(text), why } });
  }

  /** Calls a method and applies what its answer changes; null if it failed, which the user is told. */
  async ask<M extends MethodName>(
    what: string,
    method: M,
    ask: Ask<M>,
    first: (answer: Answer<M>) => void = () => {},
  ): Promise<(Answer<M> & { readonly state?: PanelState }) | null> {
    const work = () => this.during(what, () => this.send(method, ask, first));
    return AFTER_DECISIONS.has(method) ? this.inOrder(work) : work();
  }

  /** Calls a method and applies what its answer changes; rejects if it failed. */
  async send<M extends MethodName>(
    method: M,
    ask: Ask<M>,
    first: (answer: Answer<M>) => void = () => {},
  ): Promise<Answer<M> & { readonly state?: PanelState }> {
    const answer = await this.host.call(method, "shown" in ask ? { ...ask, shown: this.seen(ask.shown) } : ask);
    first(answer);
    // The patch first: the state names its version, and a column one already has need not be fetched.
    const { patch, kept } = answer as { patch?: StatePatch | null; kept?: string };
    if (patch) this.#acted.delete(patch.to); // an undo goes back to a version from before
    if (patch && patch.from !== patch.to) this.#acted.set(patch.from, patch.to);
    if (patch) this.onPatch(patch);
    if (answer.state) this.onState(answer.state);
    if (kept) this.note("warning", kept);
    return answer;
  }

  /** What a screen that showed this version of the labels has seen by now: also what it changed itself. */
  seen(version: string | null): string | null {
    let seen = version;
    while (seen !== null && this.#acted.has(seen)) seen = this.#acted.get(seen) as string;
    return seen;
  }

  async during<T>(what: string, work: () => Promise<T>): Promise<T | null> {
    this.store.dispatch({ type: "busy", what });
    try {
      return await work();
    } catch (error) {
      this.note("error", sentence(error));
      return null;
    } finally {
      this.store.dispatch({ type: "idle", what });
    }
  }
}

/** Methods that depend on earlier review decisions: they read or change labels, or list pending ones. */
const AFTER_DECISIONS: ReadonlySet<MethodName> = new Set<MethodName>([
  "set_label",
  "accept_neighbors",
  "accept",
  "reject",
  "delete",
  "discard",
  "review",
  "unqueue",
  "clear_labels",
  "set_label_field",
  "open_list",
  "suggest_labels",
  "rank_mislabels",
  "label_neighbors",
  "next_best",
  "send_to_label_studio",
  "count_labels",
]);

/** How a message names the loaded map. */
export const mapRef = (map: MapData): { map: string; map_version: string } => ({
  map: map.info.key,
  map_version: map.info.version,
});
