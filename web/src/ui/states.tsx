// What a view shows while it has nothing to show yet, nothing at all, or something went wrong.
import type { ReactNode } from "react";
import { Button } from "./Button";
import { Icon, type IconName } from "./icons";

export function Loading({ label = "Loading", rows = 4 }: { label?: string; rows?: number }) {
  return (
    <div className="skeleton" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="skeleton-row" />
      ))}
    </div>
  );
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} size={28} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
  const text =
    error instanceof Error && error.message !== "" ? error.message : String(error ?? "Something went wrong.");
  return (
    <div className="note note-error" role="alert">
      <Icon name="warning" size={18} />
      <p>{text}</p>
      {onRetry && (
        <Button look="quiet" icon="retry" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
