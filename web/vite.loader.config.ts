import { defineConfig } from "vite";

// widget.js, which sites include by that name: one classic script that leaves no global behind.
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2020",
    emptyOutDir: false,
    lib: {
      entry: "src/embed/loader.ts",
      formats: ["iife"],
      name: "quintetWidget",
      fileName: () => "widget.js",
    },
  },
});
