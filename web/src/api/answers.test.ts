import { afterEach, expect, test, vi } from "vitest";
import { type AnswerEvent, type AnswerSource, streamAnswer } from "./answers";

type Call = { path: string; method: string; lastEventId: string | null };

/** Answers each request with the next of `replies`; a string is a stream that ends after it. */
function serve(replies: (string | number | "network")[]): Call[] {
  const calls: Call[] = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    calls.push({
      path,
      method: init.method ?? "GET",
      lastEventId: new Headers(init.headers).get("Last-Event-ID"),
    });
    const reply = replies.shift();
    if (reply === undefined || reply === "network") return Promise.reject(new TypeError("network"));
    if (typeof reply === "number") return Promise.resolve(new Response("{}", { status: reply }));
    return Promise.resolve(new Response(reply));
  });
  return calls;
}

async function collect(begin: AnswerSource["begin"]): Promise<AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  const signal = new AbortController().signal;
  for await (const event of streamAnswer({ conversationId: "c", begin }, signal, () => Promise.resolve())) {
    events.push(event);
  }
  return events;
}

const start = 'id: m:1\nevent: start\ndata: {"user_message":null,"message_id":"m","model":"x"}\n\n';
const delta = (n: number, text: string) => `id: m:${n}\nevent: delta\ndata: ${JSON.stringify({ text })}\n\n`;
const done =
  'id: m:9\nevent: done\ndata: {"message":{"id":"m","role":"assistant","text":"ab"},"conversation":{"id":"c"}}\n\n';

afterEach(() => vi.unstubAllGlobals());

test("a broken stream goes on after the last event seen", async () => {
  const calls = serve([start + delta(2, "a"), "network", delta(3, "b") + done]);
  const events = await collect({ kind: "ask", text: "q" });
  expect(events.map((event) => event.type)).toEqual([
    "start",
    "delta",
    "reconnecting",
    "reconnecting",
    "delta",
    "done",
  ]);
  expect(calls.map((call) => [call.method, call.path, call.lastEventId])).toEqual([
    ["POST", "/api/conversations/c/messages", null],
    ["GET", "/api/conversations/c/messages/m/events", "m:2"],
    ["GET", "/api/conversations/c/messages/m/events", "m:2"],
  ]);
});

test("a stream that is no longer held ends with lost", async () => {
  serve([start, 404]);
  const events = await collect({ kind: "ask", text: "q" });
  expect(events.at(-1)).toEqual({ type: "lost" });
});

test("a question is never sent twice", async () => {
  const calls = serve(["network"]);
  await expect(collect({ kind: "ask", text: "q" })).rejects.toMatchObject({ status: 0 });
  expect(calls).toHaveLength(1);
});

test("reconnecting gives up after attempts without progress", async () => {
  serve([start]);
  await expect(collect({ kind: "ask", text: "q" })).rejects.toMatchObject({ status: 0 });
});

test("an error event is thrown as what the server said", async () => {
  serve([
    'event: error\ndata: {"status":429,"code":"exhausted","title":"Slow down","detail":"Too many."}\n\n',
  ]);
  await expect(collect({ kind: "retry", messageId: "m" })).rejects.toMatchObject({
    status: 429,
    message: "Too many.",
  });
});
