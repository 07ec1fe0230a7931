/** The explorer, put together from its parts: the map, how it looks, the selection, labels, and long runs. */
import { Appearance } from "./appearance";
import { ColumnCache, unpackU32 } from "./columns";
import { BY_LABELS, type Message, type PanelState, type StatePatch } from "./contract";
import { Labeling } from "./labeling";
import { MapLoader } from "./mapLoader";
import { Reviewing } from "./review/reviewing";
import { Runs } from "./runs";
import { Selecting } from "./selecting";
import { Session, type Host } from "./session";
import type { Store, Ui } from "./state";

export class Explorer {
  readonly #session: Session;
  readonly look: Appearance;
  readonly map: MapLoader;
  readonly selecting: Selecting;
  readonly labeling: Labeling;
  readonly reviewing: Reviewing;
  readonly runs: Runs;

  constructor(host: Host) {
    const session = new Session(host);
    const columns = new ColumnCache((file) => host.mediaUrl(file));
    this.#session = session;
    this.look = new Appearance(session, columns);
    this.map = new MapLoader(session, columns, this.look);
    this.selecting = new Selecting(session, this.look);
    this.labeling = new Labeling(session, this.selecting);
    this.reviewing = new Reviewing(session, this.selecting, this.labeling);
    this.runs = new Runs(session, this.map, this.look, this.selecting, this.reviewing);
    session.onState = (panel) => this.receive(panel);
    session.onPatch = (patch) => this.#takePatch(patch);
    this.map.onShown = () => this.#previewAgain();
    this.map.onLabels = () => void (this.ui.focus === null || this.selecting.focus(this.ui.focus));
  }

  get store(): Store {
    return this.#session.store;
  }

  get ui(): Ui {
    return this.#session.ui;
  }

  mediaUrl(file: string): string {
    return this.#session.host.mediaUrl(file);
  }

  note(level: Message["level"], text: string): void {
    this.#session.note(level, text);
  }

  receive(panel: PanelState): void {
    if (this.ui.panel && this.ui.panel.dataset !== panel.dataset) this.runs.forget();
    this.map.receive(panel);
    if (panel.dataset !== null) this.reviewing.openDataset(panel.dataset);
    this.runs.finish(panel);
  }

  #takePatch(patch: StatePatch): void {
    const { map, focus, color } = this.ui;
    const behind = map !== null && map.labelStateVersion !== patch.from && map.labelStateVersion !== patch.to;
    if (behind) void this.map.sync();
    else this.store.dispatch({ type: "patch", patch });
    // If a label was removed, the suggestion below it shows again; the patch does not include that.
    if (color?.field === BY_LABELS) void this.look.refreshValues();
    // The sample in the preview, or one of those near it, may have another label now.
    if (focus !== null && (behind || touches(patch, this.ui))) void this.selecting.focus(focus);
  }

  #previewAgain(): void {
    const { focus, preview } = this.ui;
    if (focus !== null && preview === null) void this.selecting.focus(focus);
  }
}

/** Whether a change of labels concerns what the preview shows; before that has come, whether it concerns its row. */
function touches(patch: StatePatch, { focus, preview }: Ui): boolean {
  const shown = new Set([focus, ...(preview?.neighbors ?? []).map(({ row }) => row)]);
  return unpackU32(patch.rows).some((row) => shown.has(row));
}
