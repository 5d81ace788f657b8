import react from "@vitejs/plugin-react";
import { defineConfig, loadEnv } from "vite";
import { woff2Only } from "./vite.shared";

const server = loadEnv("", ".", "QUINTET_")["QUINTET_URL"] ?? "http://127.0.0.1:8321";
const routes = ["/api", "/healthz", "/openapi.json"];

// The application. The widget is a build of its own (vite.widget.config.ts), because it must stay small.
export default defineConfig({
  plugins: [react(), woff2Only],
  server: { proxy: Object.fromEntries(routes.map((route) => [route, server])) },
  build: {
    target: "es2023",
    // An inlined font or image would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
