import { expect, test } from "vitest";
import { fillDays, niceTop } from "./DayChart";

test("the axis ends at a round number", () => {
  expect([0, 1, 2, 3, 7, 11, 20, 21, 501].map(niceTop)).toEqual([1, 1, 2, 4, 8, 20, 20, 40, 600]);
});

test("days without a question are shown empty", () => {
  const days = fillDays(
    [{ date: "2024-05-02", answered: 3, refused: 1 }],
    3,
    new Date("2024-05-03T12:00:00Z"),
  );
  expect(days.map((day) => [day.date, day.answered])).toEqual([
    ["2024-05-01", 0],
    ["2024-05-02", 3],
    ["2024-05-03", 0],
  ]);
});
