import { defineConfig } from "vite";
import { woff2Only } from "./vite.shared";

// The page inside the widget's iframe. It uses the same source as the application, on Preact, a tenth of React's
// size: a visitor of someone's site did not come for us.
export default defineConfig({
  plugins: [woff2Only],
  publicDir: false,
  resolve: {
    alias: [
      { find: "react/jsx-runtime", replacement: "preact/jsx-runtime" },
      { find: "react-dom/client", replacement: "preact/compat/client" },
      { find: /^react(-dom)?$/, replacement: "preact/compat" },
    ],
  },
  build: {
    target: "es2022",
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { widget: "widget.html" } },
  },
});
