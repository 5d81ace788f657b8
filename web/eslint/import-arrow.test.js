import { expect, test } from "vitest";
import { importProblem } from "./import-arrow.js";

test("a layer may use the layers below it", () => {
  expect(importProblem("features/chat/Chat.tsx", "../../api")).toBeNull();
  expect(importProblem("pages/ChatPage.tsx", "../features/chat")).toBeNull();
  expect(importProblem("pages/ChatPage.tsx", "../ui/Button")).toBeNull();
});

test("a layer may not use one above it", () => {
  expect(importProblem("api/http.ts", "../features/chat")).toMatch(/must not/);
  expect(importProblem("ui/Button.tsx", "../api")).toMatch(/must not/);
  expect(importProblem("features/chat/Chat.tsx", "../../pages/ChatPage")).toMatch(/must not/);
});

test("features meet only through their index", () => {
  expect(importProblem("features/chat/Chat.tsx", "../knowledge")).toBeNull();
  expect(importProblem("features/chat/Chat.tsx", "../knowledge/index.ts")).toBeNull();
  expect(importProblem("features/chat/Chat.tsx", "./reducer")).toBeNull();
  expect(importProblem("features/chat/Chat.tsx", "../knowledge/Editor")).toMatch(/index\.ts/);
});
