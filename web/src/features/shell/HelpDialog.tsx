import { activeShortcuts, Dialog } from "../../ui";

const isMac = /mac|iphone|ipad/i.test(navigator.userAgent);
const names: Record<string, string> = { ArrowUp: "↑", Escape: "Esc" };

export function HelpDialog({ onClose, version }: { onClose: () => void; version: string }) {
  const shortcuts = new Map<string, string>([
    ["Enter", "Send the question"],
    ["Shift+Enter", "New line"],
  ]);
  for (const { keys, label } of activeShortcuts()) {
    if (label === undefined) continue;
    const parts = keys === "?" || keys === "/" ? [keys] : keys.split("+");
    const text = parts
      .map((part) =>
        part === "mod"
          ? isMac
            ? "⌘"
            : "Ctrl"
          : (names[part] ?? (part.length === 1 ? part.toUpperCase() : part)),
      )
      .join("+");
    shortcuts.set(text, shortcuts.has(text) ? `${shortcuts.get(text)}; ${label.toLowerCase()}` : label);
  }
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl className="shortcuts">
        {[...shortcuts].map(([keys, label]) => (
          <div key={keys}>
            <dt>
              {keys.split(/(?<=.)\+/).map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
      <p className="shell-version">Quintet {version}</p>
    </Dialog>
  );
}
