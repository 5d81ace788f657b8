import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
const kStorageKey = "quintet.theme"; // also read by public/theme.js, before the first paint
const listeners = new Set<() => void>();

function stored(): Theme {
  try {
    const value = localStorage.getItem(kStorageKey);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

let theme = stored();

export function setTheme(next: Theme): void {
  theme = next;
  if (next === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = next;
  try {
    if (next === "system") localStorage.removeItem(kStorageKey);
    else localStorage.setItem(kStorageKey, next);
  } catch {
    // chosen for this page only
  }
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => theme,
  );
}
