import { type RefObject, useEffect, useRef } from "react";

export interface Shortcut {
  /** "n", "/", "?", "mod+k" (Ctrl or ⌘), "Escape", "ArrowUp" */
  keys: string;
  /** What it does, for the help dialog; none hides it there. */
  label?: string;
  /** Also while the person types in a field. */
  whileTyping?: boolean;
  /** Returns false to let the browser have the key. */
  run: () => unknown;
}

const active = new Set<RefObject<readonly Shortcut[]>>();

/** All shortcuts that work right now, for the help dialog. */
export function activeShortcuts(): Shortcut[] {
  return [...active].flatMap((shortcuts) => [...shortcuts.current]);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function matches(event: KeyboardEvent, keys: string): boolean {
  const wantsMod = keys.startsWith("mod+");
  const key = wantsMod ? keys.slice("mod+".length) : keys;
  if (wantsMod !== (event.ctrlKey || event.metaKey) || event.altKey) return false;
  return event.key === key || (wantsMod && event.key.toLowerCase() === key);
}

export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const latest = useRef(shortcuts);

  // Keeps what the document's listener below will run in step with what was rendered last.
  useEffect(() => {
    latest.current = shortcuts;
  });

  // Synchronises with the document's key events.
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      // A modal dialog has the keyboard to itself, but for the keys it did not use.
      const isModal = document.querySelector("dialog:modal") !== null;
      for (const shortcut of latest.current) {
        if (!matches(event, shortcut.keys)) continue;
        if (isModal && !shortcut.keys.startsWith("mod+")) continue;
        if (isTyping(event.target) && !shortcut.whileTyping && !shortcut.keys.startsWith("mod+")) continue;
        if (shortcut.run() === false) continue;
        event.preventDefault();
        return;
      }
    };
    active.add(latest);
    document.addEventListener("keydown", onKey);
    return () => {
      active.delete(latest);
      document.removeEventListener("keydown", onKey);
    };
  }, []);
}
