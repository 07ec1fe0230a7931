/** Builds the panel to one file the FiftyOne App loads as a script: the host's modules stay outside. */
import { defineConfig } from "vite";

const GLOBALS: Record<string, string> = {
  react: "React",
  "@mui/material": "__mui__",
  recoil: "recoil",
  "@fiftyone/state": "__fos__",
  "@fiftyone/plugins": "__fop__",
  "@fiftyone/operators": "__foo__",
  "@fiftyone/spaces": "__fosp__",
};

export default defineConfig({
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    lib: { entry: "src/hosts/fiftyone/index.ts", name: "labelscape", formats: ["umd"], fileName: () => "index.umd.js" },
    rollupOptions: { external: Object.keys(GLOBALS), output: { globals: GLOBALS } },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 120_000 },
} as Parameters<typeof defineConfig>[0]);
