import { expect, test } from "vitest";
import type { Conversation } from "../../api";
import { groupByAge, kNoConversations, reduceConversations } from "./reducer";

const conversation = (id: string, updated_at = "2024-05-01T00:00:00Z"): Conversation => ({
  id,
  kb: "shop",
  title: id,
  created_at: updated_at,
  updated_at,
  n_messages: 2,
});

const loaded = reduceConversations(kNoConversations, {
  type: "loaded",
  items: [conversation("b", "2024-05-02T00:00:00Z"), conversation("a")],
  nextCursor: "x",
});

test("a changed conversation moves to its place by time", () => {
  const state = reduceConversations(loaded, {
    type: "changed",
    conversation: conversation("a", "2024-05-03T00:00:00Z"),
  });
  expect(state.items.map((item) => item.id)).toEqual(["a", "b"]);
});

test("a page that overlaps the last one adds nothing twice", () => {
  const state = reduceConversations(loaded, {
    type: "loaded_more",
    items: [conversation("a"), conversation("c")],
    nextCursor: null,
  });
  expect(state.items.map((item) => item.id)).toEqual(["b", "a", "c"]);
  expect(state.nextCursor).toBeNull();
});

test("a hidden conversation can be restored, and is gone once deleted", () => {
  const hidden = reduceConversations(loaded, { type: "hidden", id: "a" });
  expect([...hidden.hidden]).toEqual(["a"]);
  expect(reduceConversations(hidden, { type: "restored", id: "a" })).toEqual(loaded);
  const deleted = reduceConversations(hidden, { type: "deleted", id: "a" });
  expect(deleted.items.map((item) => item.id)).toEqual(["b"]);
  expect(deleted.hidden.size).toBe(0);
});

test("groups follow the calendar and leave out the empty ones", () => {
  const ages: Record<string, number> = { a: 0, b: 1, c: 6, d: 7 };
  const groups = groupByAge(
    ["a", "b", "c", "d"].map((id) => conversation(id)),
    (item) => ages[item.id] ?? 0,
  );
  expect(groups.map((group) => [group.title, group.items.length])).toEqual([
    ["Today", 1],
    ["Yesterday", 1],
    ["Last 7 days", 1],
    ["Older", 1],
  ]);
  expect(groupByAge([], () => 0)).toEqual([]);
});
