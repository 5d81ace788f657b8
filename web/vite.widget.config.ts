import { defineConfig } from "vite";

// The page inside the widget's iframe, and widget.js, the script a site includes. The page uses the same source
// as the application on Preact, a tenth of React's size: a visitor of someone's site did not come for us.
export default defineConfig({
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
    rolldownOptions: {
      input: { widget: "widget.html", loader: "src/embed/loader.ts" },
      output: {
        // Sites include /widget.js by that name; everything else is addressed by its content.
        entryFileNames: (chunk) => (chunk.name === "loader" ? "widget.js" : "assets/[name]-[hash].js"),
      },
    },
  },
});
