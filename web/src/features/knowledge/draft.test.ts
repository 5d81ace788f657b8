import { expect, test } from "vitest";
import { checkDraft, cleanDraft, isSameDraft, kEmptyDraft, slugOf } from "./draft";

const good = { ...kEmptyDraft, question: "Why?", answer: "Because." };

test("a draft is cleaned before it is saved", () => {
  const draft = {
    ...good,
    question: " Why? ",
    alternatives: ["", "How come?", " How come? ", "Why?"],
    tags: ["a", "a"],
  };
  expect(cleanDraft(draft)).toEqual({ ...good, alternatives: ["How come?"], tags: ["a"] });
  expect(isSameDraft(good, { ...good, answer: "Because. \n" })).toBe(true);
});

test("problems name the field", () => {
  expect(checkDraft(good)).toEqual({});
  expect(Object.keys(checkDraft(kEmptyDraft))).toEqual(["question", "answer"]);
  expect(checkDraft({ ...good, url: "javascript:alert(1)" }).url).toMatch(/http/);
  expect(checkDraft({ ...good, language: "english!" }).language).toMatch(/code/);
});

test("a slug is an address", () => {
  expect(slugOf("  Café & Größe 2.0 ")).toBe("cafe-grosse-2-0");
  expect(slugOf("日本")).toBe("");
  expect(slugOf("x".repeat(80))).toHaveLength(64);
});
