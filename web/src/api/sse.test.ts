import { expect, test } from "vitest";
import { SseParser } from "./sse";

const stream =
  ': ping\r\n\r\nid: s:1\r\nevent: delta\r\ndata: {"text":"é"}\r\n\r\nid: s:2\ndata: a\ndata:b\n\nevent: x\rdata: y\r\rdata: cut';

const expected = [
  { event: "delta", data: '{"text":"é"}', id: "s:1" },
  { event: "message", data: "a\nb", id: "s:2" },
  { event: "x", data: "y", id: "s:2" },
];

test("events come out the same however the text is cut", () => {
  for (let size = 1; size <= stream.length; ++size) {
    const parser = new SseParser();
    const events = [];
    for (let at = 0; at < stream.length; at += size) events.push(...parser.push(stream.slice(at, at + size)));
    expect(events, `chunks of ${size}`).toEqual(expected);
  }
});

test("an empty chunk between CR and LF changes nothing", () => {
  const parser = new SseParser();
  const events = ["data: 1\r", "", "\n\r", "\ndata: 2\r\n\r\n"].flatMap((chunk) => parser.push(chunk));
  expect(events.map((event) => event.data)).toEqual(["1", "2"]);
});

test("a heartbeat and an event without data deliver nothing", () => {
  expect(new SseParser().push(": ping\n\nevent: start\n\nid: 3\n\n")).toEqual([]);
});
