// What widget.js (on the site) and the page in its iframe (from us) tell each other. Each side checks the origin and
// the sending window, then this shape; nothing in a message is ever evaluated.

const kSource = "quintet-widget";

export type WidgetMessage = { type: "close" } | { type: "ready" } | { type: "opened" };

export function wrapMessage(message: WidgetMessage): unknown {
  return { source: kSource, ...message };
}

export function readMessage(data: unknown): WidgetMessage | null {
  if (typeof data !== "object" || data === null) return null;
  const { source, type } = data as { source?: unknown; type?: unknown };
  if (source !== kSource) return null;
  return type === "close" || type === "ready" || type === "opened" ? { type } : null;
}
