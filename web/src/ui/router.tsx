// A router over the History API: a location store, links, and a guard for views with unsaved work.
import {
  type AnchorHTMLAttributes,
  type MouseEvent,
  useEffect,
  useEffectEvent,
  useState,
  useSyncExternalStore,
} from "react";

let current = window.location.pathname + window.location.search;
let index = historyIndex() ?? 0;
const listeners = new Set<() => void>();

/** Asks whether the view may be left; calls `proceed` if so, now or later. */
type Guard = (proceed: () => void) => void;
let guard: Guard | null = null;
let ignorePops = 0;

function historyIndex(): number | null {
  const state: unknown = window.history.state;
  if (typeof state !== "object" || state === null || !("index" in state)) return null;
  return typeof state.index === "number" ? state.index : null;
}

function publish(): void {
  current = window.location.pathname + window.location.search;
  for (const listener of listeners) listener();
}

window.addEventListener("popstate", () => {
  if (ignorePops > 0) {
    --ignorePops;
    return;
  }
  const target = historyIndex() ?? 0;
  const delta = target - index;
  if (guard && delta !== 0) {
    ++ignorePops;
    window.history.go(-delta); // stay, until the person has decided
    guard(() => {
      guard = null;
      window.history.go(delta);
    });
    return;
  }
  index = target;
  publish();
});

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (to === current) return;
  const go = () => {
    if (options.replace) window.history.replaceState({ index }, "", to);
    else window.history.pushState({ index: ++index }, "", to);
    publish();
    if (!options.replace) window.scrollTo(0, 0);
  };
  const leavesPage = new URL(to, window.location.href).pathname !== window.location.pathname;
  if (guard && leavesPage) {
    guard(() => {
      guard = null;
      go();
    });
    return;
  }
  go();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLocation(): { path: string; query: URLSearchParams } {
  const url = new URL(
    useSyncExternalStore(subscribe, () => current),
    window.location.origin,
  );
  return { path: url.pathname, query: url.searchParams };
}

/** `/faq/:id` against `/faq/7` gives {id: "7"}; null when it does not match. */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const names = pattern.split("/");
  const parts = path.replace(/(.)\/$/, "$1").split("/");
  if (names.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [i, name] of names.entries()) {
    const part = parts[i] ?? "";
    if (name.startsWith(":")) {
      if (part === "") return null;
      try {
        params[name.slice(1)] = decodeURIComponent(part);
      } catch {
        return null; // not an address we made
      }
    } else if (name !== part) {
      return null;
    }
  }
  return params;
}

export function Link({ href, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !plain) return;
    event.preventDefault();
    navigate(href);
  };
  return <a href={href} onClick={follow} {...rest} />;
}

/** While `isDirty`, leaving asks first: `pending` is non-null while the question is open. */
export function useLeaveGuard(isDirty: boolean): { pending: (() => void) | null; stay: () => void } {
  const [pending, setPending] = useState<(() => void) | null>(null);
  const ask = useEffectEvent((proceed: () => void) => setPending(() => proceed));

  // Synchronises with the router's guard and the browser's own "leave site?" question.
  useEffect(() => {
    if (!isDirty) return;
    const mine: Guard = (proceed) => ask(proceed);
    const beforeUnload = (event: BeforeUnloadEvent) => event.preventDefault();
    guard = mine;
    window.addEventListener("beforeunload", beforeUnload);
    return () => {
      if (guard === mine) guard = null;
      window.removeEventListener("beforeunload", beforeUnload);
    };
  }, [isDirty]);

  return { pending, stay: () => setPending(null) };
}
