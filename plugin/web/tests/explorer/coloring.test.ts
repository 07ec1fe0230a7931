import { describe, expect, it } from "vitest";
import { gridColors } from "../../src/explorer/coloring";
import { BY_LABELS, type PanelState } from "../../src/explorer/contract";
import { BY_STATE, type Values } from "../../src/explorer/values";
import { withColors } from "../../src/hosts/fiftyone/colorScheme";

const fields = ["ground_truth.label", "boxes.detections.label", "weather"].map((path) => ({ path }));
const panel = { label_field: "ground_truth", fields } as unknown as PanelState;
const values = (field: string): Values => ({
  field,
  kind: "categorical",
  codes: Uint16Array.of(0, 1),
  classes: ["cat", "dog"],
  colors: ["#111111", "#222222"],
  missing: { name: "none", color: "#8f8f8f" },
  min: 0,
  max: 0,
});
const SHOWN = ["#aaaaaa", "#bbbbbb"];
const COLORS = [
  { value: "cat", color: "#aaaaaa" },
  { value: "dog", color: "#bbbbbb" },
];

describe("the colors of the map in the grid", () => {
  it("are those that the map shows, for a class in every label field", () => {
    const labels = ["ground_truth", "boxes"];
    expect(gridColors(panel, values("ground_truth.label"), SHOWN)).toEqual({ fields: labels, colors: COLORS });
    expect(gridColors(panel, values(BY_LABELS), SHOWN)?.fields).toEqual(labels);
    expect(gridColors(panel, values("weather"), SHOWN)?.fields).toEqual(["weather", ...labels]);
  });

  it("are none where the map shows numbers or label states", () => {
    expect(gridColors(panel, values(BY_STATE), SHOWN)).toBeNull();
    expect(gridColors(panel, { ...values("weather"), kind: "numeric" }, [])).toBeNull();
    expect(gridColors(panel, null, [])).toBeNull();
  });

  it("leave the colors of other fields in the App's color scheme", () => {
    const scheme = { colorBy: "field", fields: [{ path: "weather" }, { path: "boxes" }] };
    const changed = withColors(scheme, { fields: ["boxes"], colors: COLORS });
    expect(changed.colorBy).toBe("value");
    expect(changed.fields?.map(({ path }) => path)).toEqual(["weather", "boxes"]);
    expect(changed.fields?.[1]).toMatchObject({ valueColors: COLORS });
  });
});
