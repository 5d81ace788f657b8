// Small things a browser remembers. Storage may be off or full; then they are forgotten, which is no error.

export function remember(area: "local" | "session", key: string, value: string | null): void {
  try {
    const storage = area === "local" ? localStorage : sessionStorage;
    if (value === null || value === "") storage.removeItem(key);
    else storage.setItem(key, value);
  } catch {
    // forgotten
  }
}

export function recall(area: "local" | "session", key: string): string | null {
  try {
    return (area === "local" ? localStorage : sessionStorage).getItem(key);
  } catch {
    return null;
  }
}
