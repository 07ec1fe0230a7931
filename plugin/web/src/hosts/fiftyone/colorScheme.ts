/** The App's color scheme with the colors of the map in it; the App's users change it under “Color settings”. */
import type { GridColors } from "../../explorer/coloring";

/** The parts of the App's color scheme (1.22) used here. */
export interface ColorScheme {
  readonly colorBy: string;
  readonly fields: readonly { readonly path: string }[] | null;
}

/** Labels are colored by value, those in these fields as on the map. */
export const withColors = (scheme: ColorScheme, { fields, colors }: GridColors): ColorScheme => ({
  ...scheme,
  colorBy: "value",
  fields: [
    ...(scheme.fields ?? []).filter(({ path }) => !fields.includes(path)),
    ...fields.map((path) => ({ path, colorByAttribute: "label", valueColors: colors })),
  ],
});
