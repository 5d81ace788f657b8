import { useSyncExternalStore } from "react";
import { Button, IconButton } from "./Button";

export interface Toast {
  id: number;
  text: string;
  kind: "info" | "error";
  action?: { label: string; run: () => void };
}

const kShownMs = 6000;
let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function change(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

export function closeToast(id: number): void {
  change(toasts.filter((toast) => toast.id !== id));
}

export function showToast(
  text: string,
  options: { kind?: Toast["kind"]; action?: Toast["action"] } = {},
): number {
  const { kind = "info", action } = options;
  const id = nextId++;
  change([...toasts.slice(-2), { id, text, kind, ...(action && { action }) }]);
  setTimeout(() => closeToast(id), kShownMs);
  return id;
}

export function showErrorToast(error: unknown): void {
  showToast(error instanceof Error ? error.message : String(error), { kind: "error" });
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} className={`toast toast-${toast.kind}`}>
          <span>{toast.text}</span>
          {toast.action && (
            <Button
              look="quiet"
              onClick={() => {
                toast.action?.run();
                closeToast(toast.id);
              }}
            >
              {toast.action.label}
            </Button>
          )}
          <IconButton icon="close" label="Dismiss" size={15} onClick={() => closeToast(toast.id)} />
        </div>
      ))}
    </div>
  );
}

export const kToastMs = kShownMs;
