import { expect, test } from "vitest";
import { diffWords } from "./diffWords";

const side = (before: string, after: string, without: "added" | "removed") =>
  diffWords(before, after)
    .filter((part) => part.kind !== without)
    .map((part) => part.text)
    .join("");

test("a diff holds both texts", () => {
  for (const [before, after] of [
    ["", ""],
    ["", "new words"],
    ["old words", ""],
    ["the quick brown fox", "the slow brown  fox jumps"],
    ["a\nb\nc", "a\nc"],
  ] as const) {
    expect(side(before, after, "added")).toBe(before);
    expect(side(before, after, "removed")).toBe(after);
  }
});

test("what both have is shown once", () => {
  expect(diffWords("pay by card", "pay by invoice")).toEqual([
    { kind: "same", text: "pay by " },
    { kind: "removed", text: "card" },
    { kind: "added", text: "invoice" },
  ]);
});
