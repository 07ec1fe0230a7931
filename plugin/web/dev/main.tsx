/**
 * The panel on a page of its own. Query: n, theme=light|dark, dims=2|3, scene=map|no-dataset|no-samples|no-
 * embeddings|no-map|unlabeled|stale, classes.
 */
import * as React from "react";
import { createTheme, ThemeProvider } from "@mui/material";
import { createRoot } from "react-dom/client";
import { ExplorerPanel } from "../src/explorer/ExplorerPanel";
import { Explorer } from "../src/explorer/explorer";
import { FakeHost } from "./fakeHost";

const query = new URLSearchParams(location.search);
document.documentElement.dataset["muiColorScheme"] = query.get("theme") ?? "dark";

const host = new FakeHost({
  n: Number(query.get("n") ?? 5000),
  classes: Number(query.get("classes") ?? 10),
  dims: query.get("dims") === "3" ? 3 : 2,
  scene: query.get("scene") ?? "map",
});
const explorer = new Explorer(host);
const root = document.getElementById("root");
const theme = createTheme({ palette: { mode: query.get("theme") === "light" ? "light" : "dark" } });
if (root)
  createRoot(root).render(
    <ThemeProvider theme={theme}>
      <ExplorerPanel explorer={explorer} />
    </ThemeProvider>,
  );
explorer.receive(host.state());
Object.assign(window, { explorer, host });
