/** Serves the panel with a made-up host: `npm run dev`, then open the address it prints. */
import { defineConfig } from "vite";

export default defineConfig({ root: "dev", build: { outDir: "../../../build/panel-dev", emptyOutDir: true } });
