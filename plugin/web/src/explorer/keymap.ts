/** The keys, what each does, and how they are explained. */

export type Command =
  | "label"
  | "delete"
  | "accept"
  | "reject"
  | "undo"
  | "save"
  | "isolate"
  | "search"
  | "2d"
  | "3d"
  | "next"
  | "help"
  | "enter"
  | "escape"
  | "pan"
  | "lasso"
  | "box"
  | "grow"
  | "invert"
  | "fit"
  | "texts"
  | "similar";

export const KEYS: readonly { readonly key: string; readonly command: Command; readonly says: string }[] = [
  { key: "l", command: "label", says: "Set the label of the selection" },
  { key: "d", command: "delete", says: "Mark the selection for deletion" },
  { key: "a", command: "accept", says: "Accept the confident suggestions in the selection" },
  { key: "x", command: "reject", says: "Reject the suggestions in the selection" },
  { key: "u", command: "undo", says: "Undo the last action" },
  { key: "s", command: "save", says: "Save pending changes" },
  { key: "i", command: "isolate", says: "Show only the selection; press again to show all" },
  { key: "g", command: "grow", says: "Add the nearest neighbors to the selection" },
  { key: "m", command: "similar", says: "Find the samples most similar to the selection, as a list to review" },
  { key: "v", command: "invert", says: "Invert the selection" },
  { key: "n", command: "next", says: "Next best sample to label" },
  { key: "/", command: "search", says: "Search" },
  { key: "p", command: "pan", says: "Move tool: drag to move the map, or rotate it in 3D" },
  { key: "o", command: "lasso", says: "Lasso tool" },
  { key: "b", command: "box", says: "Box tool" },
  { key: "f", command: "fit", says: "Show the whole map" },
  { key: "t", command: "texts", says: "Toggle text labels" },
  { key: "2", command: "2d", says: "2D map" },
  { key: "3", command: "3d", says: "3D map" },
  { key: "?", command: "help", says: "Keyboard shortcuts" },
  { key: "Enter", command: "enter", says: "Accept the neighbors shown" },
  { key: "Escape", command: "escape", says: "Close a dialog, dismiss the neighbors, or clear the selection" },
];

/** The keys while a list is reviewed; the digits set classes. */
export type ReviewCommand =
  | { readonly name: "move"; readonly by: number }
  | { readonly name: "line"; readonly by: number }
  | { readonly name: "digit"; readonly digit: number }
  | { readonly name: "accept" | "reject" | "delete" | "label" | "undo" | "save" | "open" | "close" | "help" };

export const REVIEW_KEYS: readonly { readonly key: string; readonly says: string }[] = [
  { key: "j", says: "Next" },
  { key: "k", says: "Previous; the arrow keys work, too" },
  { key: "a", says: "Accept: the button shows what this does" },
  { key: "x", says: "Reject" },
  { key: "1 … 9", says: "Set the class with this number" },
  { key: "l", says: "Set another class" },
  { key: "d", says: "Mark for deletion" },
  { key: "u", says: "Undo the last decision" },
  { key: "s", says: "Save pending changes" },
  { key: "o", says: "Open in the App's viewer" },
  { key: "Escape", says: "Back to the map" },
];

const REVIEW_COMMANDS: Readonly<Record<string, ReviewCommand>> = {
  j: { name: "move", by: 1 },
  ArrowRight: { name: "move", by: 1 },
  k: { name: "move", by: -1 },
  ArrowLeft: { name: "move", by: -1 },
  ArrowDown: { name: "line", by: 1 },
  ArrowUp: { name: "line", by: -1 },
  Home: { name: "move", by: -Infinity },
  End: { name: "move", by: Infinity },
  a: { name: "accept" },
  x: { name: "reject" },
  d: { name: "delete" },
  l: { name: "label" },
  u: { name: "undo" },
  s: { name: "save" },
  o: { name: "open" },
  Escape: { name: "close" },
  "?": { name: "help" },
};

/** The command of a key press while a list is reviewed; null = not one of the review. */
export function reviewCommandFor(press: KeyPress): ReviewCommand | null {
  if (press.ctrlKey || press.metaKey || press.altKey || press.typing) return null;
  if (press.onControl && press.key.startsWith("Arrow")) return null;
  if (/^[1-9]$/.test(press.key)) return { name: "digit", digit: Number(press.key) };
  return REVIEW_COMMANDS[press.key.length === 1 ? press.key.toLowerCase() : press.key] ?? null;
}

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  /** True if the key was pressed in a text field. */
  readonly typing: boolean;
  /** True if the key was pressed on a button, a link, or the like, which handles Enter itself. */
  readonly onControl: boolean;
}

/** The command of a key press; null = not ours, leave it to the browser and the App. */
export function commandFor(press: KeyPress): Command | null {
  if (press.ctrlKey || press.metaKey || press.altKey) return null;
  if (press.typing) return press.key === "Escape" ? "escape" : null;
  if (press.key === "Enter" && press.onControl) return null;
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  return KEYS.find((k) => k.key === key)?.command ?? null;
}
