import { expect, test } from "vitest";
import { parseColor, textOn } from "./color";
import { readMessage, wrapMessage } from "./messages";

test("a colour is a hex colour or nothing", () => {
  expect(parseColor("#0aF")).toBe("#00aaff");
  expect(parseColor(" #0D5660 ")).toBe("#0d5660");
  for (const bad of [null, "", "red", "#12345", "#fff;background:url(x)"]) expect(parseColor(bad)).toBeNull();
});

test("text stays readable on any colour", () => {
  expect(textOn("#0d5660")).toBe("#ffffff");
  expect(textOn("#ffe08a")).toBe("#000000");
});

test("only our own messages are read", () => {
  expect(readMessage(wrapMessage({ type: "close" }))).toEqual({ type: "close" });
  for (const other of [null, "close", { type: "close" }, { source: "quintet-widget", type: "eval" }]) {
    expect(readMessage(other)).toBeNull();
  }
});
