/** Icons of the buttons, drawn in the color of the surrounding text. */
import * as React from "react";

const PATHS = {
  pan: "M12 3v18M3 12h18M9.5 5.5 12 3l2.5 2.5M9.5 18.5 12 21l2.5-2.5M5.5 9.5 3 12l2.5 2.5M18.5 9.5 21 12l-2.5 2.5",
  lasso:
    "M8 15.300C5 14.4 3 12.4 3 10c0-3.3 4-6 9-6s9 2.7 9 6-4 6-9 6c-.9 0-1.8-.1-2.6-.25M7 14a2 2 0 1 0 2 2c0 2-1 4-4 4",
  box: "M4 4h3M10.5 4h3M17 4h3v3M20 10.5v3M20 17v3h-3M13.5 20h-3M7 20H4v-3M4 13.5v-3M4 7V4",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  search: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M15.5 15.5 21 21",
  undo: "M8 14 3.5 9.5 8 5M4 9.5h10a5.5 5.5 0 0 1 0 11h-3",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M4.5 12h1M11.5 12h1M18.5 12h1",
  down: "M7 10l5 5 5-5",
  label: "M4 4h8l8.5 8.5-8 8L4 12zM8 8v.01",
  check: "M4.5 12.5 10 18 20 7",
  close: "M6 6l12 12M18 6 6 18",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  grow: "M12 8v8M8 12h8M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18",
  segment: "M6 4h12v16l-6-4.5L6 20z",
  isolate: "M3 8V3h5M16 3h5v5M21 16v5h-5M8 21H3v-5M12 9.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5",
  legend: "M4 6h.01M4 12h.01M4 18h.01M8 6h12M8 12h12M8 18h12",
  picture: "M4 5h16v14H4zM4 16l4.5-4.5 3.5 3.5 3-3 5 5M15.5 9v.01",
  view: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  save: "M5 4h11l3 3v13H5zM8 4v5h7V4M8 20v-6h8v6",
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name }: { readonly name: IconName }): React.ReactElement => (
  <svg className={`ls-icon ls-icon-${name}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d={PATHS[name]} />
  </svg>
);
