import { expect, test } from "vitest";
import { type ChatAction, type ChatState, kEmptyChat, liveMessage, reduceChat, stoppableId } from "./reducer";

const conversation = { id: "c", kb: "shop", title: "T", created_at: "", updated_at: "", n_messages: 2 };

const play = (...actions: ChatAction[]): ChatState => actions.reduce(reduceChat, kEmptyChat);
const asked: ChatAction = { type: "asked", text: "Why?", now: "2024-05-01T00:00:00Z" };
const template = play(asked).messages;

function message(id: string, role: "user" | "assistant", text: string) {
  const from = template[role === "user" ? 0 : 1];
  if (!from) throw new Error("a question makes two messages");
  return { ...from, id, role, text, status: "complete" as const };
}

const start: ChatAction = {
  type: "event",
  event: { type: "start", user_message: message("u1", "user", "Why?"), message_id: "a1", model: "m" },
};
const delta = (text: string): ChatAction => ({ type: "event", event: { type: "delta", text } });
const done: ChatAction = {
  type: "event",
  event: { type: "done", message: message("a1", "assistant", "Because."), conversation },
};

test("a question shows at once, and its answer grows", () => {
  const first = play(asked);
  expect(first.messages.map((m) => [m.role, m.text])).toEqual([
    ["user", "Why?"],
    ["assistant", ""],
  ]);
  expect(stoppableId(first)).toBeNull();
  const streaming = play(asked, start, delta("Be"), delta("cause"));
  expect(streaming.messages.map((m) => m.id)).toEqual(["u1", "a1"]);
  expect(liveMessage(streaming)?.text).toBe("Because");
  expect(stoppableId(streaming)).toBe("a1");
  const complete = play(asked, start, delta("Be"), done);
  expect(complete.phase).toBe("idle");
  expect(complete.messages.at(-1)?.text).toBe("Because.");
});

test("a reset voids what was shown", () => {
  const state = play(asked, start, delta("wrong"), {
    type: "event",
    event: { type: "reset", reason: "cited" },
  });
  expect(liveMessage(state)?.text).toBe("");
  expect(state.phase).toBe("waiting");
});

test("a question that was not stored goes back to the person", () => {
  const state = play(asked, { type: "failed", message: "No network." });
  expect(state.messages).toEqual([]);
  expect(state.failure).toEqual({ message: "No network.", question: "Why?" });
});

test("a stored question without an answer can be tried again", () => {
  const failed = play(asked, start, { type: "failed", message: "Provider down." });
  expect(failed.messages.at(-1)).toMatchObject({ id: "a1", status: "failed", error: "Provider down." });
  const again = reduceChat(failed, { type: "retried", messageId: "a1" });
  expect(again.phase).toBe("waiting");
  expect(again.messages).toHaveLength(2);
});

test("what arrived before a break is kept", () => {
  const state = play(asked, start, delta("Half"), { type: "failed", message: "Lost." });
  expect(state.messages.at(-1)).toMatchObject({ text: "Half", status: "interrupted", error: "Lost." });
});

test("attaching again plays the stream from its beginning", () => {
  const streaming = { ...message("a1", "assistant", "Half"), status: "streaming" as const };
  const state = play(
    { type: "loaded", thread: { conversation, messages: [message("u1", "user", "Why?"), streaming] } },
    { type: "attached" },
    delta("Half"),
    delta(" done"),
  );
  expect(liveMessage(state)?.text).toBe("Half done");
});

test("events after the end change nothing", () => {
  const complete = play(asked, start, done);
  expect(reduceChat(complete, delta("late")).messages).toEqual(complete.messages);
});
