/** What all parts of the explorer share: the state, the App around it, one way to call Python and to tell the user. */
import type { Answer, Ask, GridStage, Message, MethodName, PanelState, StatePatch } from "./contract";
import { Store, type MapData, type Ui } from "./state";
import { capitalized, sentence } from "../parts/words";

/** What the panel needs from the App around it. */
export interface Host {
  call<M extends MethodName>(method: M, ask: Ask<M>): Promise<Answer<M> & { readonly state?: PanelState }>;
  mediaUrl(file: string): string;
  /** Puts a stage over the samples grid; null takes it off. */
  showInGrid(stage: GridStage | null): void;
}

export class Session {
  readonly store = new Store();
  /** What follows a new state from Python; the explorer sets it. */
  onState: (panel: PanelState) => void = () => {};
  /** What follows a change of labels; the explorer sets it. */
  onPatch: (patch: StatePatch) => void = () => {};
  #noteCount = 0;

  constructor(readonly host: Host) {}

  get ui(): Ui {
    return this.store.get();
  }

  note(level: Message["level"], text: string): void {
    this.store.dispatch({ type: "note", note: { id: `here-${++this.#noteCount}`, level, text: capitalized(text) } });
  }

  /** Calls a method and applies what its answer changes; null where it failed, which the user is told. */
  async ask<M extends MethodName>(
    what: string,
    method: M,
    ask: Ask<M>,
    first: (answer: Answer<M>) => void = () => {},
  ): Promise<(Answer<M> & { readonly state?: PanelState }) | null> {
    return this.during(what, async () => {
      const answer = await this.host.call(method, ask);
      first(answer);
      // The patch first: the state names its version, and a column one already has need not be fetched.
      const { patch } = answer as { patch?: StatePatch | null };
      if (patch) this.onPatch(patch);
      if (answer.state) this.onState(answer.state);
      return answer;
    });
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

/** How a message names the loaded map. */
export const mapRef = (map: MapData): { map: string; map_version: string } => ({
  map: map.info.key,
  map_version: map.info.version,
});
