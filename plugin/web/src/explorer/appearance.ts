/** How the map looks: colors, texts, and camera; kept in the browser for the next visit. */
import { bringIntoSight, fit, type Camera, type Size } from "../scatter/camera";
import { bounds } from "../scatter/geometry";
import type { GridColors } from "./coloring";
import type { ColumnCache } from "./columns";
import { BY_LABELS, type LoadedMap } from "./contract";
import { writeKept, type KeptView } from "./keptView";
import type { Session } from "./session";
import { BY_STATE, fieldName, isLabelField, stateValues, valuesOf, type MapData, type Values } from "./state";

/** Pixels of the map that the bar about the neighbors covers. */
const BAR_HEIGHT = 150;

export class Appearance {
  #size: Size = { width: 800, height: 600 };
  #fitted: Camera | null = null;
  #beforeIsolate: Camera | null = null;
  #lastClasses: Values | null = null;
  /** The colors chosen last: those that are still being read, or on the screen. */
  chosenColor: string | null = null;

  constructor(
    private readonly session: Session,
    private readonly columns: ColumnCache,
  ) {}

  get #ui() {
    return this.session.ui;
  }

  async colorBy(field: string): Promise<void> {
    const { map } = this.#ui;
    if (!map) return;
    this.chosenColor = field;
    if (field === BY_STATE) this.session.store.dispatch({ type: "color", color: stateValues(map) });
    else this.show(map, await this.values(map.info, field));
    this.keep();
  }

  /** Colors the map, unless other colors or another map were chosen in the meantime. */
  show(map: MapData, color: Values | null): void {
    if (color && color.field === this.chosenColor && this.#ui.map?.info.items === map.info.items)
      this.session.store.dispatch({ type: "color", color });
  }

  /** Writes the values of a field on the map; null = no texts. */
  async textBy(field: string | null): Promise<void> {
    const { map } = this.#ui;
    if (!map) return;
    const text = field === null ? null : field === BY_STATE ? stateValues(map) : await this.values(map.info, field);
    if (this.#ui.map?.info !== map.info) return;
    this.session.store.dispatch({ type: "text", text });
    this.session.store.dispatch({ type: "showTexts", show: text !== null });
    this.keep();
  }

  async toggleTexts(): Promise<void> {
    const { showTexts, text, color } = this.#ui;
    if (showTexts || text) this.session.store.dispatch({ type: "showTexts", show: !showTexts });
    else if (color?.kind === "categorical") await this.textBy(color.field);
    else this.session.note("info", "Choose a field first: “View”, then “Text on the points”.");
  }

  async values(map: LoadedMap, field: string): Promise<Values | null> {
    const what = `Reading ${field === BY_LABELS ? "labels and suggestions" : fieldName(field)}`;
    const answer = await this.session.ask(what, "column", { map: map.key, map_version: map.version, field });
    return (
      answer &&
      this.session.during(what, async () =>
        valuesOf(field, await this.columns.read(answer.column), this.#ui.panel, this.#colored()),
      )
    );
  }

  /** The classes that were on the map last: label states, in between, have colors of their own. */
  #colored(): Values | null {
    const { color } = this.#ui;
    if (color?.kind === "categorical" && color.field !== BY_STATE) this.#lastClasses = color;
    return this.#lastClasses;
  }

  async refreshValues(): Promise<void> {
    const { color, text, map } = this.#ui;
    if (!map) return;
    if (color && color.field !== BY_STATE) this.show(map, await this.values(map.info, color.field));
    if (text && text.field !== BY_STATE) {
      const values = text.field === color?.field ? this.#ui.color : await this.values(map.info, text.field);
      if (values) this.session.store.dispatch({ type: "text", text: values });
    }
  }

  /** An existing field, or one that the panel itself provides; else null. */
  knownField(field: string | null | undefined): string | null {
    if (field == null) return null;
    const known = field === BY_STATE || field === BY_LABELS || this.#ui.panel?.fields.some((f) => f.path === field);
    return known ? field : null;
  }

  firstColor(): string {
    const { panel } = this.#ui;
    if (!panel) return BY_STATE;
    if (panel.lists.some(({ id }) => id === "suggestions")) return BY_LABELS;
    const own = panel.classes.length > 0 ? panel.fields.find((f) => isLabelField(f.path, panel)) : undefined;
    // If nothing is labeled yet, predictions are more informative than gray points.
    const other = panel.fields.find((f) => f.predictions && !isLabelField(f.path, panel));
    return (own ?? other)?.path ?? BY_STATE;
  }

  resize(size: Size): void {
    this.#size = size;
    // A view that nobody has moved yet keeps showing the whole map.
    const { map, camera } = this.#ui;
    if (map && (!camera || camera === this.#fitted)) this.fit(map);
  }

  showAll(): void {
    const { map } = this.#ui;
    if (map) this.fit(map);
    this.keep();
  }

  /** Shows only these rows and zooms to them; null shows all again, with the previous camera. */
  isolate(mask: Uint8Array | null): void {
    const { map, camera, isolated } = this.#ui;
    if (!map) return;
    if (mask && !isolated) this.#beforeIsolate = camera;
    this.session.store.dispatch({ type: "isolate", mask });
    const before = this.#beforeIsolate;
    if (!mask && before?.dims === map.info.dims) this.session.store.dispatch({ type: "camera", camera: before });
    else this.fit(map);
    if (!mask) this.#beforeIsolate = null;
  }

  /** Moves the map so that these rows are in sight above the bar about them, if it is flat. */
  bringIntoSight(rows: readonly number[]): void {
    const { map, camera } = this.#ui;
    if (!map || camera?.dims !== 2 || rows.length === 0) return;
    const { min, max } = bounds(map.planes.map((plane) => Float32Array.from(rows, (row) => plane[row] as number)));
    const moved = bringIntoSight(camera, this.#size, min, max, BAR_HEIGHT);
    if (moved !== camera) this.session.store.dispatch({ type: "camera", camera: moved });
  }

  fit(map: MapData): void {
    const { isolated } = this.#ui;
    const shown = isolated ? map.planes.map((plane) => plane.filter((_, row) => isolated[row] === 1)) : null;
    const { min, max } = shown ? bounds(shown) : map;
    const camera = fit(min, max, this.#size, map.info.dims);
    if (!isolated) this.#fitted = camera;
    this.session.store.dispatch({ type: "camera", camera });
  }

  /** Gives the labels in the host's grid these colors; null = those that they had before. */
  colorGrid(colors: GridColors | null): void {
    this.session.host.colorGrid(colors);
  }

  /** Keeps the view of this dataset for the next visit. */
  keep(): void {
    const { panel, map, camera, color, text, showTexts, tool, isolated } = this.#ui;
    if (!panel?.dataset || !map || isolated) return;
    const kept: KeptView = {
      map: map.info.key,
      camera: camera === this.#fitted ? null : camera,
      tool,
      colorBy: this.chosenColor ?? color?.field ?? BY_STATE,
      textBy: showTexts ? (text?.field ?? null) : null,
    };
    writeKept(panel.dataset, kept);
  }
}
