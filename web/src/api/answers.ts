import { num, object, str } from "./decode";
import { ApiError, isAbort, send } from "./http";
import { type SseEvent, sseEvents } from "./sse";
import { type Conversation, decodeConversation, decodeMessage, type Message } from "./types";

/** What happens while an answer is made, in order. `done`, `lost` and a thrown ApiError end it. */
export type AnswerEvent =
  | { type: "start"; user_message: Message | null; message_id: string; model: string }
  | { type: "delta"; text: string }
  | { type: "reset"; reason: string }
  | { type: "retry"; attempt: number; delay_seconds: number; reason: string }
  | { type: "done"; message: Message; conversation: Conversation }
  /** The connection broke and is being made again; what was shown stays. */
  | { type: "reconnecting"; attempt: number }
  /** The server no longer holds this stream: the conversation has to be read again. */
  | { type: "lost" };

const decodeDelta = object({ text: str });

export function parseAnswerEvent({ event, data }: SseEvent): AnswerEvent | null {
  const value: unknown = JSON.parse(data);
  switch (event) {
    case "start": {
      const start = object({ message_id: str })(value, "start");
      const rest = value as { user_message?: unknown; model?: unknown };
      return {
        type: "start",
        user_message: rest.user_message ? decodeMessage(rest.user_message, "start.user_message") : null,
        message_id: start.message_id,
        model: typeof rest.model === "string" ? rest.model : "",
      };
    }
    case "delta":
      return { type: "delta", text: decodeDelta(value, "delta").text };
    case "reset":
      return { type: "reset", reason: object({ reason: str })(value, "reset").reason };
    case "retry":
      return { type: "retry", ...object({ attempt: num, delay_seconds: num, reason: str })(value, "retry") };
    case "done":
      return {
        type: "done",
        ...object({ message: decodeMessage, conversation: decodeConversation })(value, "done"),
      };
    case "error":
      throw new ApiError(
        typeof (value as { status?: unknown }).status === "number"
          ? (value as { status: number }).status
          : 500,
        value as Record<string, unknown>,
      );
    default:
      return null; // a newer server may say more
  }
}

export interface AnswerSource {
  conversationId: string;
  /** How the stream begins: with a new question, by answering the last one again, or where another page left it. */
  begin:
    | { kind: "ask"; text: string; model?: string | undefined }
    | { kind: "retry"; messageId: string; model?: string | undefined }
    | { kind: "attach"; messageId: string };
}

/** Waits `ms`, or throws as soon as `signal` aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

const sleep: Sleep = (ms, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    };
    signal.addEventListener("abort", stop, { once: true });
  });

const kMaxAttempts = 7;
const kFirstDelayMs = 300;
const kMaxDelayMs = 5000;

/**
 * The events of one answer. A connection that breaks is made again from the last event seen, with growing pauses;
 * after `kMaxAttempts` without any progress it throws.
 */
export async function* streamAnswer(
  { conversationId, begin }: AnswerSource,
  signal: AbortSignal,
  wait: Sleep = sleep,
): AsyncGenerator<AnswerEvent> {
  const base = `/api/conversations/${encodeURIComponent(conversationId)}/messages`;
  const accept = { Accept: "text/event-stream" };
  const model = begin.kind !== "attach" && begin.model ? { model: begin.model } : {};
  let messageId = begin.kind === "attach" ? begin.messageId : "";
  let lastId = "";
  let attempt = 0;

  const open = (): Promise<Response> => {
    if (messageId !== "") {
      const headers = lastId === "" ? accept : { ...accept, "Last-Event-ID": lastId };
      return send(`${base}/${encodeURIComponent(messageId)}/events`, { headers, signal });
    }
    if (begin.kind === "retry") {
      const path = `${base}/${encodeURIComponent(begin.messageId)}/retry`;
      return send(path, { method: "POST", json: model, headers: accept, signal });
    }
    const text = begin.kind === "ask" ? begin.text : "";
    return send(base, { method: "POST", json: { text, ...model }, headers: accept, signal });
  };

  for (;;) {
    try {
      const response = await open();
      for await (const raw of sseEvents(response.body)) {
        if (raw.id !== "") lastId = raw.id;
        attempt = 0;
        const event = parseAnswerEvent(raw);
        if (!event) continue;
        if (event.type === "start") messageId = event.message_id;
        yield event;
        if (event.type === "done") return;
      }
    } catch (error) {
      if (signal.aborted || isAbort(error)) throw error;
      if (error instanceof ApiError && error.status !== 0) {
        // A refused resume means that the stream is no longer held; a refused beginning is the caller's to show.
        if (error.status === 404 && messageId !== "" && (attempt > 0 || begin.kind === "attach")) {
          yield { type: "lost" };
          return;
        }
        throw error;
      }
      if (error instanceof SyntaxError || (error instanceof Error && error.name === "DecodeError"))
        throw error;
    }
    // Without an id there is nothing to resume, and sending a question again could ask it twice.
    if (messageId === "" || ++attempt > kMaxAttempts) throw ApiError.unreachable();
    yield { type: "reconnecting", attempt };
    await wait(Math.min(kMaxDelayMs, kFirstDelayMs * 2 ** (attempt - 1)), signal);
  }
}
