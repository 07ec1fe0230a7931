/** Builds Label Studio's panel to one file that its pages load as a script: nothing of the host's is used. */
import { defineConfig } from "vite";

export default defineConfig({
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  build: {
    target: "es2022",
    outDir: "../label_studio/static",
    emptyOutDir: true,
    lib: {
      entry: "src/hosts/label_studio/index.tsx",
      name: "labelscapeLabelStudio",
      formats: ["iife"],
      fileName: () => "labelscape.js",
    },
  },
} as Parameters<typeof defineConfig>[0]);
