export interface SseEvent {
  event: string;
  data: string;
  /** The last id seen up to this event, "" when there was none. */
  id: string;
}

/**
 * The parser of the WHATWG "server-sent events" format, fed with text however it was cut. Lines end with LF, CR or
 * CRLF (also one split between two chunks); comments and unknown fields are skipped; an event without its closing
 * empty line is not delivered.
 */
export class SseParser {
  private rest = "";
  private endedWithCr = false;
  private event = "";
  private data: string[] = [];
  private id = "";

  push(chunk: string): SseEvent[] {
    const events: SseEvent[] = [];
    let text = this.rest + chunk;
    if (this.endedWithCr && chunk !== "") {
      if (chunk.startsWith("\n")) text = this.rest + chunk.slice(1);
      this.endedWithCr = false;
    }
    let start = 0;
    for (let i = this.rest.length; i < text.length; ++i) {
      const c = text[i];
      if (c !== "\n" && c !== "\r") continue;
      this.line(text.slice(start, i), events);
      if (c === "\r") {
        if (i + 1 === text.length) this.endedWithCr = true;
        else if (text[i + 1] === "\n") ++i;
      }
      start = i + 1;
    }
    this.rest = text.slice(start);
    return events;
  }

  private line(line: string, events: SseEvent[]): void {
    if (line === "") {
      if (this.data.length > 0) {
        events.push({ event: this.event || "message", data: this.data.join("\n"), id: this.id });
      }
      this.event = "";
      this.data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment, here the heartbeat
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
    else if (name === "id" && !value.includes("\0")) this.id = value;
  }
}

export async function* sseEvents(body: ReadableStream<Uint8Array> | null): AsyncGenerator<SseEvent> {
  if (!body) return;
  const parser = new SseParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Leaving the loop early must close the connection, and one that is already broken has nothing to cancel.
    await reader.cancel().catch(() => undefined);
  }
}
