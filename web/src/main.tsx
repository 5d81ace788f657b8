import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./ui/tokens.css";
import "./ui/ui.css";
import { App } from "./pages/App";

const root = document.getElementById("root");
if (!root) throw new Error("main: index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
