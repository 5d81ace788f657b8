// widget.js: what a site includes with
//   <script src="http://host:8321/widget.js" data-kb="NAME" async></script>
// It adds a button and, when that is pressed, an iframe of /widget. It runs on someone else's page, so it is small,
// keeps to a shadow tree, leaves no global and reads nothing of the page but its own attributes.
import { parseColor, textOn } from "./color";
import { readMessage, wrapMessage } from "./messages";

const kStorageKey = "quintet.widget.open";
const kDefaultColor = "#0d5660";

const css = (color: string, text: string) => `
:host { all: initial; }
button {
  position: fixed; right: 20px; bottom: 20px; z-index: 2147483000;
  width: 56px; height: 56px; padding: 0; border: 0; border-radius: 50%;
  display: grid; place-items: center; cursor: pointer;
  background: ${color}; color: ${text};
  box-shadow: 0 2px 6px rgb(0 0 0 / 20%), 0 8px 24px rgb(0 0 0 / 18%);
  transition: transform 0.15s;
}
button:hover { transform: scale(1.05); }
button:focus-visible { outline: 3px solid ${color}; outline-offset: 3px; }
svg { width: 26px; height: 26px; fill: none; stroke: currentcolor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
iframe {
  position: fixed; right: 20px; bottom: 88px; z-index: 2147483000;
  width: min(400px, calc(100vw - 40px)); height: min(620px, calc(100dvh - 112px));
  border: 0; border-radius: 14px; background: Canvas; color-scheme: light dark;
  box-shadow: 0 4px 12px rgb(0 0 0 / 15%), 0 16px 48px rgb(0 0 0 / 25%);
}
iframe[hidden] { display: none; }
@media (width <= 480px) {
  iframe { inset: 0; width: 100vw; height: 100dvh; border-radius: 0; }
  button[aria-expanded="true"] { display: none; }
}
@media (prefers-reduced-motion: reduce) { button { transition: none; } }
`;

const shapes = {
  chat: "M4 5h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1h-9l-4 4v-4H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1Z",
  close: "m6 6 12 12M18 6 6 18",
};

function remember(isOpen: boolean): void {
  try {
    sessionStorage.setItem(kStorageKey, isOpen ? "1" : "");
  } catch {
    // The site's storage is off: closed again on the next page.
  }
}

function wasOpen(): boolean {
  try {
    return sessionStorage.getItem(kStorageKey) === "1";
  } catch {
    return false;
  }
}

function start(script: HTMLScriptElement): void {
  const { origin } = new URL(script.src);
  const kb = script.dataset["kb"] ?? "";
  const title = script.dataset["title"] ?? "";
  const color = parseColor(script.dataset["color"]) ?? kDefaultColor;
  const label = title === "" ? "Chat" : title;

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = css(color, textOn(color));

  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.append(shape);

  const button = document.createElement("button");
  button.type = "button";
  button.append(svg);
  let frame: HTMLIFrameElement | null = null;

  const makeFrame = () => {
    const made = document.createElement("iframe");
    const params = new URLSearchParams({ kb, color, embedded: "1" });
    if (title !== "") params.set("title", title);
    made.src = `${origin}/widget?${params}`;
    made.title = label;
    root.append(made);
    return made;
  };

  const show = (isOpen: boolean, takesFocus: boolean) => {
    if (isOpen) frame ??= makeFrame();
    if (frame) frame.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    button.setAttribute("aria-label", isOpen ? `Close ${label}` : `Open ${label}`);
    shape.setAttribute("d", isOpen ? shapes.close : shapes.chat);
    remember(isOpen);
    if (!takesFocus) return;
    if (isOpen) frame?.contentWindow?.postMessage(wrapMessage({ type: "opened" }), origin);
    else button.focus();
  };
  const isOpen = () => button.getAttribute("aria-expanded") === "true";

  button.addEventListener("click", () => show(!isOpen(), true));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isOpen()) show(false, true);
  });
  window.addEventListener("message", (event) => {
    if (event.origin !== origin || !frame || event.source !== frame.contentWindow) return;
    if (readMessage(event.data)?.type === "close") show(false, true);
  });

  root.append(style, button);
  document.body.append(host);
  show(wasOpen(), false);
}

(() => {
  const script = document.currentScript;
  if (!(script instanceof HTMLScriptElement)) return;
  if (document.body) start(script);
  else document.addEventListener("DOMContentLoaded", () => start(script));
})();
