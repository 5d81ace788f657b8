import { createRoot } from "react-dom/client";
import { visitor } from "../api";
import "../ui/tokens.css";
import "./embed.css";
import { parseColor, textOn } from "./color";
import { WidgetChat } from "./WidgetChat";

const params = new URLSearchParams(window.location.search);
const color = parseColor(params.get("color"));
if (color) {
  document.documentElement.style.setProperty("--brand", color);
  document.documentElement.style.setProperty("--on-brand", textOn(color));
}

visitor.begin();
const root = document.getElementById("root");
if (!root) throw new Error("embed: widget.html has no #root");
createRoot(root).render(
  <WidgetChat
    kb={params.get("kb") ?? ""}
    title={params.get("title") ?? ""}
    isEmbedded={params.get("embedded") === "1" && window.parent !== window}
  />,
);
